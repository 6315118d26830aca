"""The known models: what each is called, where its weights come from, what they weigh, which licence.

Text encoders stand here too: they are installed like models, and models name the one they need.
"""

from dataclasses import dataclass

from model.config import ARC_MINI, SAO_SMALL, SAO_SMALL_BASE, ModelConfig, TextConfig

APACHE = ("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")

CODE_LICENCE = APACHE  # of every network here: all are our own code, whoever trained the weights


@dataclass(frozen=True)
class HubFile:
    """A file of a repository. `bytes` is what we expect before the hub tells the true size."""

    name: str
    bytes: int


@dataclass(frozen=True)
class CatalogueEntry:
    """One model, or the text encoder of models. Without a `repository` it is shipped with the program.

    The licence is that of the weights. The first of `files` holds them. `elements` counts the numbers that are used.
    A model that this user fine-tuned is no part of the catalogue: it names its `base`, and lies among the installed.
    """

    name: str
    title: str
    config: ModelConfig | TextConfig
    licence: str
    licence_link: str
    licence_note: str = ""
    repository: str | None = None
    files: tuple[HubFile, ...] = ()
    elements: int = 0
    gated: bool = False
    text: "CatalogueEntry | None" = None
    base: str = ""

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


T5_BASE = CatalogueEntry(
    "t5-base",
    "T5-base, the text encoder of Stable Audio Open",
    SAO_SMALL.text,
    *APACHE,
    repository="google-t5/t5-base",
    files=(
        HubFile("model.safetensors", 891_646_390),
        HubFile("config.json", 1_208),
        HubFile("tokenizer.json", 1_389_353),
    ),
    elements=109_628_544,  # of the encoder: the file holds a decoder too
)

_SAO_ELEMENTS = 497_239_458  # of 750 tensors
_SAO_BYTES = 4 * _SAO_ELEMENTS  # float32
_SAO_REPOSITORY = "stabilityai/stable-audio-open-small"
_SAO_LICENCE = (
    "Stability AI Community License",
    f"https://huggingface.co/{_SAO_REPOSITORY}",
    "free below one million US dollars of yearly revenue",
)

CATALOGUE = (
    CatalogueEntry("arc-mini", "ARC Mini", ARC_MINI, *APACHE),
    CatalogueEntry(
        "stable-audio-open-small",
        "Stable Audio Open Small",
        SAO_SMALL,
        *_SAO_LICENCE,
        repository=_SAO_REPOSITORY,
        files=(HubFile("model.safetensors", _SAO_BYTES),),
        elements=_SAO_ELEMENTS,
        gated=True,
        text=T5_BASE,
    ),
    CatalogueEntry(
        "stable-audio-open-small-base",
        "Stable Audio Open Small, base (before ARC)",
        SAO_SMALL_BASE,
        *_SAO_LICENCE,
        repository=_SAO_REPOSITORY,
        files=(HubFile("base_model.ckpt", _SAO_BYTES),),
        elements=_SAO_ELEMENTS,
        gated=True,
        text=T5_BASE,
    ),
    T5_BASE,
)
EMBEDDED = CATALOGUE[0]
