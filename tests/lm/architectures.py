"""Minute random models of the families that `transformers` writes text with."""

from typing import Any

import torch
import transformers

from tests.lm.tiny import VOCABULARY

COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}
MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
MLA = {
    "q_lora_rank": 8,
    "kv_lora_rank": 8,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "num_key_value_heads": 4,
}
LEARNED = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
MAMBA2 = {
    "mamba_d_state": 8,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 8,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "GPT2": LEARNED,
    "GPTNeo": {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]},
    "GPTNeoX": {},
    "GPTJ": LEARNED | {"rotary_dim": 8},
    "GPTBigCode": LEARNED,
    "CodeGen": LEARNED | {"rotary_dim": 8},
    "OpenAIGPT": LEARNED,
    "OPT": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "Bloom": {"n_layer": 2, "n_head": 4},
    "Falcon": {},
    "Mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 64},
    "Llama": {},
    "Mistral": {},
    "Mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "Qwen2": {},
    "Qwen2Moe": MOE | {"num_experts": 4, "shared_expert_intermediate_size": 16},
    "Qwen3": {"head_dim": 8},
    "Qwen3Moe": MOE | {"num_experts": 4, "head_dim": 8},
    "Qwen3Next": MOE
    | {
        "num_experts": 4,
        "shared_expert_intermediate_size": 16,
        "head_dim": 8,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
    },
    "Phi": {},
    "Phi3": {},
    "Gemma": {"head_dim": 8},
    "Gemma2": {"head_dim": 8, "query_pre_attn_scalar": 8, "final_logit_softcapping": 3.0},
    "Gemma3Text": {"head_dim": 8, "query_pre_attn_scalar": 8},
    "RecurrentGemma": {"lru_width": 32, "attention_window_size": 16, "num_hidden_layers": 3},
    "Cohere": {},
    "Cohere2": {"head_dim": 8},
    "Granite": {"logits_scaling": 8.0},
    "GraniteMoe": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "GraniteMoeHybrid": MAMBA2
    | {
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "shared_intermediate_size": 16,
        "layer_types": ["mamba", "attention"],
    },
    "Olmo": {},
    "Olmo2": {},
    "StableLm": {},
    "Starcoder2": {},
    "SmolLM3": {},
    "Glm": {"head_dim": 8},
    "Glm4Moe": MOE
    | {"n_routed_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1, "head_dim": 8}
    | {"first_k_dense_replace": 1},
    "DeepseekV3": MOE
    | MLA
    | {"n_routed_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1}
    | {"first_k_dense_replace": 1},
    "NanoChat": {"final_logit_softcapping": 3.0},
    "Ernie4_5": {"head_dim": 8},
    "Lfm2": {"layer_types": ["conv", "full_attention"], "block_ff_dim": 48},
    "MiniMax": {
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "head_dim": 8,
        "block_size": 16,
        "layer_types": ["linear_attention", "full_attention"],
    },
    "Jamba": {
        "num_experts": 2,
        "num_experts_per_tok": 1,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "mamba_d_state": 8,
        "mamba_dt_rank": 8,
        "use_mamba_kernels": False,
    },
    "Bamba": MAMBA2 | {"attn_layer_indices": [1]},
    "FalconH1": MAMBA2 | {"head_dim": 8, "mamba_d_ssm": 64},
    "Zamba2": {
        "num_hidden_layers": 3,
        "layers_block_type": ["mamba", "hybrid", "mamba"],
        "mamba_d_state": 8,
        "mamba_headdim": 16,
        "n_mamba_heads": 4,
        "mamba_ngroups": 1,
        "chunk_size": 8,
        "num_mem_blocks": 1,
        "use_mem_rope": True,
    },
    "Mamba": {"state_size": 8},
    "Mamba2": {
        "num_heads": 4,
        "head_dim": 16,
        "state_size": 8,
        "n_groups": 1,
        "chunk_size": 8,
    },
    "FalconMamba": {"state_size": 8},
    "Rwkv": {"attention_hidden_size": 32, "context_length": 64, "rescale_every": 1},
}
"""What each needs beside `COMMON`; more than 40, with attention, recurrence, experts and both."""


def random_model(family: str) -> Any:
    """A model of the family with random weights, norms and biases too."""
    config_class = getattr(transformers, f"{family}Config")
    allowed = COMMON if not family.startswith("Mpt") else {"vocab_size": VOCABULARY}
    torch.manual_seed(0)
    config = config_class(**(allowed | FAMILIES[family]))
    model = transformers.AutoModelForCausalLM.from_config(config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2 and "conv" not in name:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        for name, buffer in model.named_buffers():
            if "bias" in name and buffer.is_floating_point():
                buffer.copy_(0.3 * torch.randn(buffer.shape, generator=generator))
    return model.eval()
