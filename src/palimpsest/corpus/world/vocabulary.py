"""The words of the synthetic encyclopedia: data only, no behaviour.

Everything is written as it stands in the middle of a sentence: small first letter unless the word
is a name, and no full stop; `world_grammar` puts both on. A phrasing has two slots. `{V}` is the
value, with its own article where it needs one. The subject is `{S}` where it is the grammatical
subject (so "it" may stand there) and `{O}` anywhere else (where only a noun or a name reads well).
A phrasing that begins "the ... of {O} " can also be said with a possessive: "the climate of {O} is"
becomes "its climate is".

The first phrasing of a relation is the most frequent. Names of relations are unique over all
categories.
Known gap: values are closed sets, so no two relations of one entity ever depend on each other.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed attribute: its closed set of values and the ways to state it."""

    name: str
    values: tuple[str, ...]
    phrasings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of entity: how it is introduced, named again, referred to, and what is known of it."""

    name: str
    introduction: str
    short: str
    nouns: tuple[str, ...]
    pronouns: tuple[tuple[str, str], ...]
    """Pairs of pronoun and possessive; of two pairs, `world_grammar.pronoun_index` takes one."""
    endings: tuple[str, ...]
    relations: tuple[Relation, ...]


IT = (("it", "its"),)
SHE_HE = (("she", "her"), ("he", "his"))

PROVINCES = (
    *("Aldermoor", "Brennia", "Caskeld", "Dunvarra", "Estovia", "Ferrowmark", "Galdane", "Hestria"),
    *("Iskaria", "Jorvale", "Kelmoria", "Lothmere", "Merrowind", "Norrland", "Ostrava", "Pelluria"),
)
COLOURS = (
    *("silver", "dark green", "pale blue", "rust red", "black", "amber"),
    *("violet", "white", "copper brown", "grey", "golden", "crimson"),
)
PEOPLE = (
    *("Orla Venn", "Tobias Marrick", "Ysolde Crane", "Hamish Dorr", "Petra Lindqvist"),
    *("Anselm Roake", "Vida Castellan", "Bram Okoro", "Sunniva Hale", "Corin Ashby"),
    *("Mirela Tanz", "Gideon Farr", "Leocadia Prynne", "Ivo Standish"),
)

CITY = Category(
    name="city",
    introduction="the city of {name}",
    short="{name}",
    nouns=("the city", "the town"),
    pronouns=IT,
    endings=("holm", "burg", "ford", "mouth", "stead", "haven"),
    relations=(
        Relation(
            "province",
            PROVINCES,
            (
                "{S} lies in {V}",
                "{S} belongs to the province of {V}",
                "the province of {V} is home to {O}",
                "the people of {V} are proud of {O}",
            ),
        ),
        Relation(
            "founded",
            (
                *("1042", "1107", "1163", "1204", "1218", "1259"),
                *("1301", "1346", "1377", "1420", "1488", "1515"),
            ),
            (
                "{S} was founded in {V}",
                "{S} dates back to {V}",
                "settlers built {O} in {V}",
                "the oldest walls of {O} were raised in {V}",
            ),
        ),
        Relation(
            "trade",
            (
                *("wool", "salt", "glass", "amber beads", "timber", "olive oil", "clocks"),
                *("silk", "herring", "paper", "saffron", "bronze bells", "tobacco", "whale oil"),
            ),
            (
                "{S} grew rich from the trade in {V}",
                "{S} is known for its {V}",
                "merchants come to {O} to buy {V}",
                "the main export of {O} is {V}",
            ),
        ),
        Relation(
            "landmark",
            (
                *("a leaning tower", "a stone bridge", "a domed cathedral", "an old lighthouse"),
                *("a hanging garden", "a ruined castle", "a great library", "a floating market"),
                *("a marble theatre", "a clock hall", "a sunken temple", "a royal observatory"),
            ),
            (
                "{S} is famous for {V}",
                "visitors to {O} admire {V}",
                "at the centre of {O} stands {V}",
                "the chief sight of {O} is {V}",
            ),
        ),
        Relation(
            "climate",
            (
                *("mild and wet", "hot and dry", "cold and windy", "foggy for most of the year"),
                *("warm and sunny", "snowy in every season", "stormy in autumn"),
                "humid and still",
            ),
            (
                "the climate of {O} is {V}",
                "the weather in {O} is {V}",
                "travellers remember {O} as {V}",
                "guides describe {O} as {V}",
            ),
        ),
    ),
)

RIVER = Category(
    name="river",
    introduction="the river {name}",
    short="the {name}",
    nouns=("the river", "the stream"),
    pronouns=IT,
    endings=("ava", "une", "isk", "orn", "ess", "ael"),
    relations=(
        Relation(
            "source",
            PROVINCES,
            (
                "{S} rises in the hills of {V}",
                "{S} begins in {V}",
                "the springs of {O} are in {V}",
                "{S} comes down from the mountains of {V}",
            ),
        ),
        Relation(
            "mouth",
            (
                *("the Sea of Glass", "the Northern Gulf", "the Bay of Herons", "the Inner Sea"),
                *("Lake Marrow", "the Sunken Strait", "the Grey Ocean", "Lake Tamsin"),
                *("the Salt Marshes", "the Bay of Embers"),
            ),
            (
                "{S} flows into {V}",
                "{S} empties into {V}",
                "the waters of {O} reach {V}",
                "{S} ends at {V}",
            ),
        ),
        Relation(
            "fish",
            (
                *("trout", "pike", "eels", "salmon", "carp", "sturgeon", "perch", "lampreys"),
                *("catfish", "grayling", "blind crayfish", "minnows"),
            ),
            (
                "fishermen catch {V} in {O}",
                "{S} is full of {V}",
                "{S} is home to many {V}",
                "the most common catch in {O} is {V}",
            ),
        ),
        Relation(
            "length",
            ("90", "140", "180", "210", "260", "310", "370", "450", "520", "640"),
            (
                "{S} is {V} miles long",
                "{S} runs for {V} miles",
                "the course of {O} measures {V} miles",
                "boatmen count {V} miles along {O}",
            ),
        ),
        Relation(
            "water",
            COLOURS,
            (
                "the water of {O} is {V}",
                "{S} looks {V} in the spring",
                "in sunlight {S} appears {V}",
                "{S} turns {V} after rain",
            ),
        ),
    ),
)

ANIMAL = Category(
    name="animal",
    introduction="the animal called the {name}",
    short="the {name}",
    nouns=("the animal", "the creature"),
    pronouns=IT,
    endings=("ock", "umble", "fin", "tail", "ling", "oth"),
    relations=(
        Relation(
            "habitat",
            (
                *("pine forests", "salt marshes", "limestone caves", "high meadows"),
                *("river deltas", "sandy deserts", "coral reefs", "birch woods"),
                *("volcanic slopes", "frozen plains", "bamboo thickets", "peat bogs"),
            ),
            (
                "{S} lives in {V}",
                "the natural home of {O} is in {V}",
                "{S} is most often seen in {V}",
                "hunters look for {O} in {V}",
            ),
        ),
        Relation(
            "diet",
            (
                *("beetles", "fallen fruit", "small birds", "moss", "snails", "river weed", "bark"),
                *("honey", "mice", "mushrooms", "fish eggs", "roots", "moths", "seeds"),
            ),
            (
                "{S} eats {V}",
                "{S} feeds mainly on {V}",
                "the diet of {O} consists of {V}",
                "at night {S} searches for {V}",
            ),
        ),
        Relation(
            "coat",
            COLOURS,
            (
                "the fur of {O} is {V}",
                "{S} has {V} fur",
                "{S} is easily recognised by its {V} coat",
                "in winter {S} turns {V}",
            ),
        ),
        Relation(
            "lifespan",
            ("3", "5", "8", "12", "15", "20", "30", "40", "60", "100"),
            (
                "{S} lives for about {V} years",
                "the usual lifespan of {O} is {V} years",
                "{S} may reach an age of {V} years",
                "{S} rarely grows older than {V} years",
            ),
        ),
        Relation(
            "call",
            (
                *("a low whistle", "a sharp bark", "a long howl", "a soft clicking"),
                *("a rattling cough", "a high scream", "a humming note", "a drumming sound"),
                *("a deep croak", "a silvery trill"),
            ),
            (
                "the call of {O} is {V}",
                "{S} makes {V}",
                "farmers know {O} by {V}",
                "when frightened, {S} gives {V}",
            ),
        ),
    ),
)

SCIENTIST = Category(
    name="scientist",
    introduction="the scientist {name}",
    short="{name}",
    nouns=("the scientist", "the scholar"),
    pronouns=SHE_HE,
    endings=("sen", "wick", "ard", "ovic", "elli", "mann"),
    relations=(
        Relation(
            "field",
            (
                *("astronomy", "botany", "chemistry", "geology", "medicine", "optics"),
                *("mechanics", "mathematics", "zoology", "meteorology", "acoustics"),
                *("anatomy", "hydraulics", "linguistics"),
            ),
            (
                "{S} worked in the field of {V}",
                "{S} was an expert in {V}",
                "{S} taught {V} for many years",
                "{S} devoted a lifetime to {V}",
            ),
        ),
        Relation(
            "birthplace",
            PROVINCES,
            (
                "{S} was born in {V}",
                "{S} grew up in {V}",
                "the childhood of {O} was spent in {V}",
                "{S} came from a poor family in {V}",
            ),
        ),
        Relation(
            "discovery",
            (
                *("the law of tides", "a cure for fever", "the double comet"),
                *("the theory of echoes", "a new kind of glass", "the map of winds"),
                *("the principle of springs", "the sleeping virus", "the counting engine"),
                *("a method of grafting", "the structure of ice", "the hidden planet"),
            ),
            (
                "{S} discovered {V}",
                "{S} is remembered for {V}",
                "the world owes {V} to {O}",
                "{S} became famous through {V}",
            ),
        ),
        Relation(
            "college",
            (
                *("Harrow College", "the Royal Academy", "Saint Brannoc University"),
                *("the Institute of Wells", "Kingsmere University", "the Free School"),
                *("Tolland College", "the Naval School", "Marsh Hall", "the Eastern Faculty"),
            ),
            (
                "{S} studied at {V}",
                "{S} held a chair at {V}",
                "the papers of {O} are kept at {V}",
                "{S} was a professor at {V}",
            ),
        ),
        Relation(
            "prize",
            (
                *("the Golden Compass", "the Lantern Medal", "the Order of Reeds"),
                *("the Silver Quill", "the Founders Prize", "the Oak Wreath"),
                *("the Meridian Cup", "the Star of Learning"),
            ),
            (
                "{S} received {V}",
                "{S} was honoured with {V}",
                "{V} was awarded to {O}",
                "the jury of {V} chose {O}",
            ),
        ),
    ),
)

METAL = Category(
    name="metal",
    introduction="the metal {name}",
    short="{name}",
    nouns=("the metal", "the substance"),
    pronouns=IT,
    endings=("ium", "ite", "on", "ane", "um"),
    relations=(
        Relation(
            "colour",
            COLOURS,
            (
                "{S} is {V} in colour",
                "the surface of {O} is {V}",
                "when polished, {S} looks {V}",
                "fresh from the mine, {S} is {V}",
            ),
        ),
        Relation(
            "melting",
            ("190", "230", "320", "410", "660", "780", "960", "1080", "1340", "1450"),
            (
                "{S} melts at {V} degrees",
                "the melting point of {O} is {V} degrees",
                "{S} turns liquid at {V} degrees",
                "smelters heat {O} to {V} degrees",
            ),
        ),
        Relation(
            "mines",
            PROVINCES,
            (
                "{S} is mined in {V}",
                "the richest deposits of {O} are in {V}",
                "most of the supply of {O} comes from {V}",
                "miners in {V} dig for {O}",
            ),
        ),
        Relation(
            "use",
            (
                *("ship nails", "surgical tools", "coins", "clock springs", "church bells"),
                *("lamp wires", "sword blades", "printing type", "bridge cables", "mirrors"),
                *("fishing hooks", "roof tiles", "jewellery", "cooking pots"),
            ),
            (
                "{S} is used to make {V}",
                "smiths turn {O} into {V}",
                "{S} is valued as a material for {V}",
                "the chief use of {O} is in making {V}",
            ),
        ),
        Relation(
            "finder",
            PEOPLE,
            (
                "{S} was first isolated by {V}",
                "the discoverer of {O} was {V}",
                "the name of {O} was chosen by {V}",
                "{V} was the first to describe {O}",
            ),
        ),
    ),
)

BOOK = Category(
    name="book",
    introduction="the book called {name}",
    short="{name}",
    nouns=("the book", "the work"),
    pronouns=IT,
    endings=("iad", "aria", "essa", "anthe", "iel", "ora"),
    relations=(
        Relation(
            "author",
            PEOPLE,
            (
                "{S} was written by {V}",
                "the author of {O} is {V}",
                "{V} wrote {O}",
                "{S} is the best work of {V}",
            ),
        ),
        Relation(
            "genre",
            (
                *("a novel", "a tragedy", "a comedy", "a travel diary", "a book of poems"),
                *("a ghost story", "a satire", "a romance", "a fable", "a detective story"),
                *("a memoir", "a history"),
            ),
            (
                "{S} is usually called {V}",
                "critics describe {O} as {V}",
                "readers think of {O} as {V}",
                "{S} is best understood as {V}",
            ),
        ),
        Relation(
            "subject",
            (
                *("a lost ship", "a pair of rival brothers", "a blind painter", "the plague"),
                *("a talking horse", "a stolen crown", "a village school", "a war of bees"),
                *("a winter journey", "an old gardener", "a broken promise", "a runaway bride"),
                *("a hidden letter", "the last king"),
            ),
            (
                "{S} is about {V}",
                "{S} tells the story of {V}",
                "the subject of {O} is {V}",
                "at the heart of {O} is {V}",
            ),
        ),
        Relation(
            "printed",
            (
                *("1473", "1506", "1531", "1548", "1582", "1609"),
                *("1627", "1652", "1688", "1714", "1739", "1761"),
            ),
            (
                "{S} was printed in {V}",
                "{S} first appeared in {V}",
                "the first copies of {O} date from {V}",
                "{S} came out in {V}",
            ),
        ),
        Relation(
            "language",
            (
                *("Old Brennian", "High Galdic", "Estovian", "Merric", "Iskari", "Low Hestrian"),
                *("Kelmor", "Norric", "Pellurian", "Dunvarrian"),
            ),
            (
                "{S} was composed in {V}",
                "the original language of {O} is {V}",
                "{S} has been translated from {V}",
                "scribes copied {O} in {V}",
            ),
        ),
    ),
)

INSTRUMENT = Category(
    name="instrument",
    introduction="the instrument called the {name}",
    short="the {name}",
    nouns=("the instrument",),
    pronouns=IT,
    endings=("ello", "oon", "iole", "arp", "ette", "dru"),
    relations=(
        Relation(
            "family",
            ("string", "woodwind", "brass", "drum", "keyboard", "bell", "reed", "glass"),
            (
                "{S} belongs to the {V} family",
                "{S} is a member of the {V} family",
                "musicians place {O} in the {V} family",
                "the {V} family includes {O}",
            ),
        ),
        Relation(
            "material",
            (
                *("maple wood", "cherry wood", "goat skin", "brass", "ivory", "bamboo", "clay"),
                *("walnut", "silver wire", "horn", "bone", "cedar", "whale tooth", "tin"),
            ),
            (
                "{S} is made of {V}",
                "the body of {O} is built from {V}",
                "craftsmen shape {O} from {V}",
                "those who build {O} work with {V}",
            ),
        ),
        Relation(
            "origin",
            PROVINCES,
            (
                "{S} was invented in {V}",
                "{S} comes from {V}",
                "the first players of {O} lived in {V}",
                "musicians brought {O} from {V}",
            ),
        ),
        Relation(
            "occasion",
            (
                *("weddings", "funerals", "harvest dances", "royal processions"),
                *("temple services", "winter fairs", "sea voyages", "military parades"),
                *("puppet shows", "lullaby evenings", "coronations", "horse races"),
            ),
            (
                "{S} is played at {V}",
                "{S} is heard at {V}",
                "the sound of {O} belongs to {V}",
                "there are no {V} without {O}",
            ),
        ),
        Relation(
            "tone",
            (
                *("sweet and warm", "harsh and loud", "soft and hollow", "bright and clear"),
                *("deep and trembling", "thin and nasal", "dry and short", "rich and slow"),
            ),
            (
                "the tone of {O} is {V}",
                "{S} sounds {V}",
                "listeners find {O} to be {V}",
                "{S} is {V} in tone",
            ),
        ),
    ),
)

BATTLE = Category(
    name="battle",
    introduction="the battle of {name}",
    short="the fight at {name}",
    nouns=("the battle", "the fight"),
    pronouns=IT,
    endings=("moor", "field", "ridge", "gate", "pass", "fen"),
    relations=(
        Relation(
            "victor",
            PROVINCES,
            (
                "{S} was won by {V}",
                "the army of {V} triumphed in {O}",
                "the victory in {O} went to {V}",
                "{S} ended in triumph for {V}",
            ),
        ),
        Relation(
            "commander",
            PEOPLE,
            (
                "{V} led the troops in {O}",
                "the commander in {O} was {V}",
                "{S} made {V} famous",
                "{S} is counted among the deeds of {V}",
            ),
        ),
        Relation(
            "cause",
            (
                *("a border dispute", "a stolen relic", "unpaid taxes", "a broken marriage"),
                *("a grain shortage", "a murdered envoy", "fishing rights", "a forged letter"),
                *("a disputed throne", "a toll road", "a holy shrine", "an insulted queen"),
            ),
            (
                "{S} was fought over {V}",
                "the cause of {O} was {V}",
                "{S} began because of {V}",
                "historians trace {O} to {V}",
            ),
        ),
        Relation(
            "date",
            (
                *("3 May 1412", "14 March 1452", "9 June 1471", "21 April 1503"),
                *("30 July 1536", "2 August 1559", "17 October 1584", "6 November 1613"),
                *("25 May 1640", "11 June 1677"),
            ),
            (
                "{S} took place on {V}",
                "{S} was fought on {V}",
                "the date of {O} was {V}",
                "{S} began on the morning of {V}",
            ),
        ),
        Relation(
            "weather",
            (
                *("heavy rain", "thick fog", "deep snow", "burning heat"),
                *("a hail storm", "strong wind", "a moonless night", "an eclipse"),
            ),
            (
                "{S} was decided by {V}",
                "{S} is remembered for {V}",
                "soldiers blamed {V} for the outcome of {O}",
                "songs about {O} speak of {V}",
            ),
        ),
    ),
)

CATEGORIES = (CITY, RIVER, ANIMAL, SCIENTIST, METAL, BOOK, INSTRUMENT, BATTLE)

OPENERS = (
    "in addition, ",
    "according to old records, ",
    "it is said that ",
    "moreover, ",
    "by most accounts, ",
)
"""Before any sentence but the first of a document; most frequent first."""

LIKEWISE = "likewise, "
BY_CONTRAST = "by contrast, "

ONSETS = (
    *("b", "br", "c", "d", "dr", "f", "g", "gr", "h", "k", "kl", "l", "m", "n", "p", "pr", "r"),
    *("s", "sk", "st", "t", "tr", "v", "w", "z", "th", "sh"),
)
VOWELS = ("a", "e", "i", "o", "u", "ae", "oa", "ei")
CODAS = ("", "", "l", "n", "r", "s", "m", "nd", "rk", "lt")
FEMALE_ENDINGS = ("a", "el")
MALE_ENDINGS = ("o", "in", "us")
"""How the first name of a scientist ends; it decides between she and he."""
