"""The order in which devices are tried, for machines described as PortAudio's tables describe them."""

from arc_instrument.audio.devices import candidates, host_api_names, names
from arc_instrument.audio.protocol import AudioSettings


def machine(**host_apis: list[tuple[str, int, int]]) -> tuple[list[dict], list[dict]]:
    """Tables for host APIs, each with its devices (name, inputs, outputs); the first fitting one is the default."""
    apis, devices = [], []
    for number, (name, entries) in enumerate(host_apis.items()):
        indices = range(len(devices), len(devices) + len(entries))
        for entry, ins, outs in entries:
            devices.append({"name": entry, "hostapi": number, "max_input_channels": ins, "max_output_channels": outs})
        apis.append(
            {
                "name": name.replace("_", " "),
                "devices": list(indices),
                "default_output_device": next((i for i in indices if devices[i]["max_output_channels"]), -1),
                "default_input_device": next((i for i in indices if devices[i]["max_input_channels"]), -1),
            }
        )
    return apis, devices


def order(tables, **settings: str) -> list[tuple[str, str]]:
    return [(choice.output, choice.input) for choice in candidates(*tables, AudioSettings(**settings))]


LINUX = {"ALSA": [("HDA hw:0,0", 2, 2), ("pulse", 32, 32), ("default", 32, 32), ("HDMI", 0, 8)]}
JACK = {"JACK_Audio_Connection_Kit": [("system", 2, 2)]}


def test_a_running_jack_server_comes_before_everything():
    assert order(machine(**LINUX, **JACK))[0] == ("system", "system")


def test_on_alsa_the_sound_server_comes_before_the_default_and_bare_cards():
    assert [output for output, _ in order(machine(**LINUX))] == ["pulse", "default", "HDA hw:0,0", "HDMI"]


def test_an_asked_device_comes_first_and_the_defaults_stay_as_a_way_out():
    outputs = [output for output, _ in order(machine(**LINUX, **JACK), device="HDMI")]
    assert outputs[0] == "HDMI"
    assert "system" in outputs


def test_an_asked_device_plays_by_the_asked_host_api_and_where_that_lacks_it_by_another():
    tables = machine(MME=[("Speakers", 0, 2), ("Old", 0, 2)], Windows_WASAPI=[("Speakers", 0, 2), ("Other", 0, 2)])
    for device, host_api, opened in (
        ("Speakers", "MME", "MME"), ("Speakers", "WASAPI", "Windows WASAPI"), ("Old", "WASAPI", "MME"),
    ):  # fmt: skip
        first = next(candidates(*tables, AudioSettings(device=device, host_api=host_api)))
        assert (first.output, first.host_api) == (device, opened)


def test_an_asked_host_api_is_known_by_its_short_name_too():
    for host_api in ("JACK", "JACK Audio Connection Kit"):
        assert order(machine(**LINUX, **JACK), host_api=host_api)[0][0] == "system"
    assert order(machine(**LINUX, **JACK), host_api="ALSA")[0][0] == "pulse"


def test_the_input_is_the_asked_one_else_the_outputs_own_else_the_default():
    tables = machine(Core_Audio=[("Speakers", 0, 2), ("Microphone", 1, 0), ("Interface", 8, 8)])
    assert order(tables)[0] == ("Speakers", "Microphone")
    assert order(tables, device="Interface")[0] == ("Interface", "Interface")
    assert order(tables, device="Interface", input_device="Microphone")[0] == ("Interface", "Microphone")


def test_a_machine_without_input_plays_and_one_without_stereo_output_offers_nothing():
    assert order(machine(Windows_WASAPI=[("Speakers", 0, 2)])) == [("Speakers", "")]
    assert order(machine(ALSA=[("Headset", 1, 1)])) == []
    assert order(machine(ALSA=[], OSS=[])) == []


def test_names_list_each_device_once():
    _, devices = machine(MME=[("Speakers", 0, 2), ("Mic", 1, 0)], Windows_WASAPI=[("Speakers", 0, 2)])
    assert names(devices, "output") == ("Speakers",)
    assert names(devices, "input") == ("Mic",)


def test_only_host_apis_that_can_play_are_offered():
    tables = machine(MME=[("Mic", 1, 0)], Windows_WASAPI=[("Speakers", 0, 2)], OSS=[])
    assert host_api_names(*tables) == ("WASAPI",)
