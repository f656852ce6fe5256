import pytest

from despoof.data.views import DataConfig


@pytest.fixture(scope="session")
def data(tmp_path_factory, made_up_root):
    """Live faces and attacks of the made-up CelebA-Spoof, eight a batch."""
    source = {"dataset": "celeba-spoof", "weight": 1}
    return DataConfig.parse(
        {
            "root": str(made_up_root),
            "cache": str(tmp_path_factory.mktemp("texture") / "cache"),
            "stored_size": 48,
            "batch_size": 8,
            "sources": [source | {"label": "live"}, source | {"label": "attack"}],
            "dev": ["celeba-spoof"],
        }
    )
