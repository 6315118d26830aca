"""Which output and input to open, from PortAudio's tables. It opens nothing: a test can describe any machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arc_instrument.audio.protocol import AudioSettings

PREFERRED_HOST_APIS = ("JACK Audio Connection Kit", "PulseAudio", "Core Audio", "Windows WASAPI")
"""In this order before all others: JACK and Pulse are listed only while their server (or PipeWire) runs."""

PREFERRED_DEVICES = ("pipewire", "pulse", "default")
"""ALSA's names for a sound server; a raw `hw:` device would be taken from every other program."""


@dataclass(frozen=True)
class Choice:
    """A pair to try: device indices of PortAudio (`input_index` None without an input) and their names."""

    output_index: int
    input_index: int | None
    host_api: str
    output: str
    input: str


def short_name(host_api: str) -> str:
    """ "JACK" for "JACK Audio Connection Kit", "WASAPI" for "Windows WASAPI"."""
    return host_api.removesuffix(" Audio Connection Kit").removeprefix("Windows ")


def names(devices: Sequence[dict], direction: str) -> tuple[str, ...]:
    """Names of the devices that have "output" or "input" channels, each once."""
    return tuple(dict.fromkeys(device["name"] for device in devices if device[f"max_{direction}_channels"] > 0))


def host_api_names(host_apis: Sequence[dict], devices: Sequence[dict]) -> tuple[str, ...]:
    """Short names of the host APIs that have an output."""
    playing = {device["hostapi"] for device in devices if device["max_output_channels"] > 0}
    return tuple(short_name(host_api["name"]) for index, host_api in enumerate(host_apis) if index in playing)


def candidates(host_apis: Sequence[dict], devices: Sequence[dict], settings: AudioSettings) -> Iterator[Choice]:
    """Choices in the order to try them: what was asked for, then the best defaults, then every other stereo output."""
    outputs = [index for index, device in enumerate(devices) if device["max_output_channels"] >= 2]

    def rank(index: int) -> tuple:
        device = devices[index]
        host_api = host_apis[device["hostapi"]]
        return (
            bool(settings.device) and device["name"] != settings.device,
            bool(settings.host_api) and settings.host_api not in (host_api["name"], short_name(host_api["name"])),
            _place(host_api["name"], PREFERRED_HOST_APIS),
            host_api["default_output_device"] != index or host_api["name"] == "ALSA",
            _place(device["name"], PREFERRED_DEVICES),
            host_api["default_output_device"] != index,
        )

    for index in sorted(outputs, key=rank):
        host_api = host_apis[devices[index]["hostapi"]]
        input_index = _input(host_api, index, devices, settings)
        yield Choice(
            index,
            input_index,
            host_api["name"],
            devices[index]["name"],
            "" if input_index is None else devices[input_index]["name"],
        )


def _input(host_api: dict, output_index: int, devices: Sequence[dict], settings: AudioSettings) -> int | None:
    """The asked input on the output's host API, else the output device's own input, else the host API's default."""
    usable = [index for index in host_api["devices"] if devices[index]["max_input_channels"] > 0]
    for index in usable:
        if settings.input_device and devices[index]["name"] == settings.input_device:
            return index
    for index in (output_index, host_api["default_input_device"]):
        if index in usable:
            return index
    return usable[0] if usable else None


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)
