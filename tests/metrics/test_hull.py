"""The faces of a hull are those of the hull whose volume is measured."""

import numpy as np
import pytest

from palimpsest.core.rng import stream
from palimpsest.metrics.hull import hull, hull_faces, hull_volume

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)


def enclosed(points, corners, faces):
    """Volume inside triangles, by the divergence theorem about the corners' mean."""
    kept = points[corners] - points[corners].mean(axis=0)
    return sum(abs(np.linalg.det(kept[face])) for face in faces) / 6


def test_a_cube_has_its_eight_corners_and_twelve_triangles():
    inside = np.full((3, 3), 0.5) + np.eye(3) / 10
    corners, faces = hull_faces(np.concatenate([inside, CUBE]))
    assert corners.tolist() == list(range(3, 11))
    assert faces.shape == (12, 3)
    assert set(faces.ravel().tolist()) == set(range(8))
    assert enclosed(CUBE, np.arange(8), faces) == pytest.approx(1.0)


def test_the_faces_enclose_the_volume_that_the_metric_gives_wherever_the_cloud_lies():
    points = stream(0, "tests.hull").normal(size=(60, 3))
    for moved in (points, 3 * points[:, ::-1] + 7):
        assert enclosed(moved, *hull_faces(moved)) == pytest.approx(hull_volume(moved))


@pytest.mark.parametrize("points", [CUBE[:3], CUBE * [1, 1, 0], np.ones((9, 3)), CUBE[:0]])
def test_a_flat_cloud_has_no_faces_and_no_volume(points):
    assert hull_faces(points) is None
    assert len(points) < 4 or hull(points) == 0.0
