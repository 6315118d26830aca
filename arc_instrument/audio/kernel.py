"""What the audio callback runs, compiled: events to voices, voices to sound, the sum through a limiter.

It works on structured arrays made beforehand: no allocation, lock, log or file. Whatever changes slowly (pitch, filter,
gains) is computed on a grid of `TICK` frames counted from the stream's start, so that no sample depends on how the
driver cuts time into blocks.

One file, long as it is: numba's cache knows a function by the file that it stands in, and would go on running machine
code that was compiled from the old text of another.
"""

import math

import numpy as np
from numba import carray, njit, types  # pyright: ignore[reportPrivateImportUsage]
from numba.extending import intrinsic

from arc_instrument.domain import PARTS, POOL_CLIPS
from arc_instrument.shape import MIN_LOOP_FRAMES

PREVIEW_PART = PARTS  # plays the keys' clip as it is, whatever their shape
AS_IT_IS = -1  # a note that no key has: the clip at its own pitch
MAX_VOICES = 32
ROWS = 48  # the rows above MAX_VOICES let stolen and retriggered voices fade out
HELD_NOTES = 16  # keys that a monophonic part remembers
HITS = 256
TICK = 32  # frames, 0.7 ms at 44.1 kHz
SMOOTH_MS = 5.0  # time constant: 95 % of a change in 15 ms

ATTACK_MS = 3.0
RELEASE_MS = 5.0
DECAY_MS = 15.0  # to -60 dB; the steepest step of the exponential is then that of the attack
CEILING = 10 ** (-1 / 20)  # -1 dBFS
KNEE = 10 ** (-3 / 20)  # below it the limiter does nothing
LIMITER_RELEASE_MS = 80.0
LOW_PASS_OFF = math.log2(20_000)
HIGH_PASS_OFF = math.log2(20)
BRIGHTNESS_OCTAVES = 5.0

IDLE, ATTACK, DECAY, RELEASE = range(4)
ONE_SHOT, GATE, LOOP = range(3)
NOTE_ON, NOTE_OFF, PEDAL, NOTES_OFF, SOUND_OFF, ARM, STOCK, CLEAR_STOCK = range(8)
ALL_PARTS = -1

EVENT = np.dtype([("kind", "i4"), ("part", "i4"), ("first", "i4"), ("second", "i4")])
SLOT = np.dtype(
    [
        ("address", "i8"),
        ("frames", "i8"),
        ("root", "f8"),
        ("id", "i8"),
        ("softest", "i4"),  # to `hardest`: the velocities that a stocked clip is for
        ("hardest", "i4"),
        ("keeps_length", "i4"),  # of its loop, whatever the crossfade
        ("loop_end", "i8"),  # of a loop whose end nobody set: where the sound has died away, or `frames`
    ],
    align=True,
)
HIT = np.dtype([("part", "i4"), ("stocked", "i4"), ("id", "i8")])
SHAPE = np.dtype(  # a `Shape` at the stream's rate; steps are a frame's share of the whole
    [
        ("mode", "i4"),
        ("voices", "i4"),
        ("attack_step", "f8"),
        ("decay_share", "f8"),
        ("sustain", "f8"),
        ("release_step", "f8"),
        ("gain", "f8"),
        ("pan", "f8"),
        ("low_pass", "f8"),  # log2 of Hz, as all cutoffs here
        ("high_pass", "f8"),
        ("damping", "f8"),  # 1 / Q
        ("glide_ticks", "f8"),
        ("tune", "f8"),  # semitones, as all pitches here
        ("root", "f8"),  # NaN: the clip's own
        ("loop_start", "i8"),
        ("loop_end", "i8"),
        ("crossfade", "i8"),
        ("level_power", "f8"),
        ("brightness", "f8"),  # octaves that the softest velocity closes the low-pass by
        ("bend_range", "f8"),
        ("vibrato_step", "f8"),  # cycles a tick
        ("vibrato_depth", "f8"),
        ("pressure_opens", "f8"),  # octaves
        ("pressure_shakes", "f8"),  # 1: aftertouch adds to the mod wheel
    ],
    align=True,
)
CONTROL = np.dtype(  # where a part's controllers stand
    [
        ("bend", "f8"),  # -1 … 1
        ("wheel", "f8"),
        ("pressure", "f8"),
        ("volume", "f8"),
        ("expression", "f8"),
        ("balance", "f8"),  # -1 … 1
    ],
    align=True,
)
PART = np.dtype(
    [
        ("pedal", "i4"),
        ("armed", "i4"),  # slots, -1 for none
        ("last", "i4"),  # what the last hit sounded
        ("stocked", "i4"),
        ("held", "i4"),
        ("sounding", "i4"),
        # smoothed:
        ("left", "f8"),
        ("right", "f8"),
        ("pitch", "f8"),
        ("low_pass", "f8"),
        ("high_pass", "f8"),
        ("damping", "f8"),
        ("vibrato", "f8"),
        ("phase", "f8"),
    ],
    align=True,
)
VOICE = np.dtype(
    [
        ("stage", "i4"),
        ("part", "i4"),
        ("note", "i4"),
        ("slot", "i4"),
        ("lifted", "i4"),  # key let go while the pedal holds it
        ("cutting", "i4"),  # fades out within RELEASE_MS, whatever its envelope
        ("wrapped", "i4"),  # has passed the seam of its present loop
        ("serial", "i8"),
        ("position", "f8"),  # frames into the clip
        ("increment", "f8"),  # clip frames per output frame
        ("pitch", "f8"),
        ("target_pitch", "f8"),
        ("glide_step", "f8"),  # semitones a tick
        ("level", "f8"),  # of the velocity
        ("octaves", "f8"),  # of the velocity
        ("phase", "f8"),  # of the attack or the release, 0 silent … 1
        ("envelope", "f8"),
        ("release_from", "f8"),
        ("cut", "f8"),  # 1 full … 0 silent
        ("left", "f8"),
        ("right", "f8"),
        ("left_step", "f8"),
        ("right_step", "f8"),
        ("loop_end", "f8"),  # frames of the clip
        ("loop_length", "f8"),  # 0: no loop
        ("crossfade", "f8"),
        ("through_silence", "i4"),
        ("low_mix", "f8"),  # 0: the filter is out of the way
        ("low_step", "f8"),
        ("high_mix", "f8"),
        ("high_step", "f8"),
        ("low_g", "f8"),
        ("low_k", "f8"),
        ("high_g", "f8"),
        ("state", "f8", (8,)),  # of the filters: low-pass left 1, 2, right 1, 2, high-pass the same
    ],
    align=True,
)
BUS = np.dtype(
    [
        ("read", "i8"),  # events taken
        ("frame", "i8"),
        ("blocks", "i8"),
        ("started", "i8"),  # voices begun
        ("hits", "i8"),
        ("dropped", "i8"),  # notes that found no row
        ("overflowed", "i4"),  # an event that must not be lost found the ring full
        ("voices", "i4"),
        ("limiter_gain", "f8"),
        ("peak", "f8"),
        # constant:
        ("rate_hz", "f8"),
        ("cut_step", "f8"),
        ("loop_fade", "f8"),  # frames
        ("smooth_share", "f8"),
        ("limiter_share", "f8"),
    ],
    align=True,
)


@intrinsic
def _pointer(typing, address):
    """A clip by its address: a tuple of 512 arrays would be unpacked, with a malloc each, in every block."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float32)(types.int64), generate


@njit(cache=True)
def process(out, slots, voices, parts, shapes, controls, pools, held, hits, bus, events, limit):
    """Fill `out`, float32 (frames, 2), any number of frames, after taking the events below `limit`."""
    state = bus[0]
    while state.read < limit:
        event = events[state.read % len(events)]
        _apply(event, slots, voices, parts, shapes, controls, pools, held, hits, state)
        state.read += 1
    if state.overflowed:
        state.overflowed = 0
        for part in range(PARTS):
            _notes_off(part, voices, parts)
    out[:] = 0.0
    begin = 0
    while begin < len(out):
        into_tick = state.frame % TICK
        end = min(len(out), begin + TICK - into_tick)
        if into_tick == 0:
            for index in range(len(parts)):
                if parts[index].sounding:
                    _smooth(parts[index], shapes[index], controls[index], state.smooth_share)
            for index in range(ROWS):
                voice = voices[index]
                if voice.stage != IDLE:
                    _steer(voice, parts[voice.part], shapes[voice.part], controls[voice.part], slots, state, False)
        for index in range(ROWS):
            voice = voices[index]
            if voice.stage != IDLE:
                _render(out[begin:end], slots[voice.slot], voice, shapes[voice.part], state)
        state.frame += end - begin
        begin = end
    state.voices = 0
    for index in range(len(parts)):
        parts[index].sounding = 0
    for index in range(ROWS):
        if voices[index].stage != IDLE:
            parts[voices[index].part].sounding += 1
            state.voices += 1
    _limit(out, state)
    state.blocks += 1


# --- events -----------------------------------------------------------------------------------------------------------


@njit(cache=True)
def _apply(event, slots, voices, parts, shapes, controls, pools, held, hits, state):
    kind, part, first = event.kind, event.part, event.first
    if kind == NOTE_ON:
        _note_on(part, first, event.second, slots, voices, parts, shapes, controls, pools, held, hits, state)
    elif kind == NOTE_OFF:
        _note_off(part, first, voices, parts, shapes, held, slots)
    elif kind == ARM:
        parts[part].armed = parts[part].last = first
        parts[part].stocked = 0
    elif kind == STOCK:
        if parts[part].stocked == POOL_CLIPS:
            _take(parts[part], pools[part], 0)
        pools[part, parts[part].stocked] = first
        parts[part].stocked += 1
    elif kind == CLEAR_STOCK:
        parts[part].stocked = 0
    elif kind == PEDAL:
        parts[part].pedal = first
        if first == 0:
            for index in range(ROWS):
                if voices[index].part == part and voices[index].lifted:
                    _release(voices[index])
    elif kind == NOTES_OFF:
        _notes_off(part, voices, parts)
    else:
        for index in range(ROWS):
            if part == ALL_PARTS or voices[index].part == part:
                voices[index].cutting = 1
        for index in range(PARTS):
            if part in (ALL_PARTS, index):
                parts[index].pedal = parts[index].held = 0


@njit(cache=True)
def _notes_off(part, voices, parts):
    parts[part].pedal = parts[part].held = 0
    for index in range(ROWS):
        if voices[index].part == part:
            _release(voices[index])


@njit(cache=True)
def _release(voice):
    """Let the envelope end; an idle or ending voice stays as it is."""
    if voice.stage in (ATTACK, DECAY):
        voice.stage, voice.phase, voice.release_from, voice.lifted = RELEASE, 1.0, voice.envelope, 0


@njit(cache=True)
def _take(part, pool, first):
    """The clip at `first`, off the pool."""
    slot = pool[first]
    part.stocked -= 1
    for index in range(first, part.stocked):
        pool[index] = pool[index + 1]
    return slot


@njit(cache=True)
def _fitting(part, pool, slots, velocity):
    """Where in the pool the clip for a hit so hard is: the first whose velocities are nearest to it."""
    best, nearest = 0, 128
    for index in range(part.stocked):
        slot = slots[pool[index]]
        distance = max(0, slot.softest - velocity, velocity - slot.hardest)
        if distance < nearest:
            best, nearest = index, distance
    return best


@njit(cache=True)
def _sounds(voice):
    """Whether a voice is neither idle nor fading out."""
    return voice.stage in (ATTACK, DECAY) and not voice.cutting


@njit(cache=True)
def _note_on(part_index, note, velocity, slots, voices, parts, shapes, controls, pools, held, hits, state):
    """Begin a voice. Cut first: the same note (retrigger), the part's oldest beyond its limit, the oldest of all 32."""
    part, shape = parts[part_index], shapes[part_index]
    if part_index == PREVIEW_PART:
        part.last = parts[0].armed
    if part.last < 0 and part.stocked == 0:
        return
    free, sounding, own = -1, 0, 0
    oldest, oldest_own = -1, -1
    part.sounding = 0
    for index in range(ROWS):
        voice = voices[index]
        if voice.stage == IDLE:
            free = index
            continue
        if voice.part == part_index:
            part.sounding += 1
        if _sounds(voice):
            sounding += 1
            if oldest < 0 or voice.serial < voices[oldest].serial:
                oldest = index
            if voice.part == part_index:
                own += 1
                if oldest_own < 0 or voice.serial < voices[oldest_own].serial:
                    oldest_own = index
    is_mono = shape.glide_ticks > 0.0
    if is_mono:
        legato = part.held > 0
        _hold(part, held[part_index], note)
        if legato and own > 0:
            for index in range(ROWS):
                if voices[index].part == part_index and _sounds(voices[index]):
                    _glide(voices[index], note, shape, slots)
            return
    if free < 0:
        state.dropped += 1
        return
    for index in range(ROWS):
        voice = voices[index]
        if voice.part == part_index and (voice.note == note or is_mono) and _sounds(voice):
            voice.cutting = 1
            sounding -= 1
            own -= 1
    if own >= shape.voices:
        if voices[oldest_own].cutting == 0:
            sounding -= 1
        voices[oldest_own].cutting = 1
    if sounding >= MAX_VOICES:
        voices[oldest].cutting = 1
    if part.stocked:
        part.last = _take(part, pools[part_index], _fitting(part, pools[part_index], slots, velocity))
    if part.sounding == 0:
        _smooth(part, shape, controls[part_index], 1.0)
    part.sounding += 1
    state.started += 1
    hit = hits[state.hits % HITS]
    hit.part, hit.stocked, hit.id = part_index, part.stocked, slots[part.last].id
    state.hits += 1
    _start(voices[free], part_index, note, velocity, part, shape, slots, state)
    _steer(voices[free], part, shape, controls[part_index], slots, state, True)


@njit(cache=True)
def _start(voice, part_index, note, velocity, part, shape, slots, state):
    voice.stage, voice.part, voice.note, voice.slot = ATTACK, part_index, note, part.last
    voice.lifted = voice.cutting = voice.wrapped = 0
    voice.serial = state.started
    voice.position = voice.phase = voice.envelope = 0.0
    voice.cut = 1.0
    voice.pitch = voice.target_pitch = _interval(note, shape, slots[part.last])
    voice.glide_step = 0.0
    voice.level = (velocity / 127.0) ** shape.level_power
    voice.octaves = -shape.brightness * (1.0 - velocity / 127.0)
    voice.loop_length = voice.low_mix = voice.high_mix = 0.0
    for index in range(8):
        voice.state[index] = 0.0


@njit(cache=True)
def _interval(note, shape, slot):
    """Semitones from the clip's root to `note`."""
    if note == AS_IT_IS:
        return 0.0
    return note - (slot.root if math.isnan(shape.root) else shape.root)


@njit(cache=True)
def _glide(voice, note, shape, slots):
    voice.note, voice.lifted = note, 0
    voice.target_pitch = _interval(note, shape, slots[voice.slot])
    voice.glide_step = abs(voice.target_pitch - voice.pitch) / max(1.0, shape.glide_ticks)


@njit(cache=True)
def _hold(part, held, note):
    """`note` becomes the last of the held keys; the oldest is forgotten when there are too many."""
    _let_go(part, held, note)
    if part.held == HELD_NOTES:
        _let_go(part, held, held[0])
    held[part.held] = note
    part.held += 1


@njit(cache=True)
def _let_go(part, held, note):
    kept = 0
    for index in range(part.held):
        if held[index] != note:
            held[kept] = held[index]
            kept += 1
    part.held = kept


@njit(cache=True)
def _note_off(part_index, note, voices, parts, shapes, held, slots):
    part, shape = parts[part_index], shapes[part_index]
    _let_go(part, held[part_index], note)
    for index in range(ROWS):
        voice = voices[index]
        if voice.part != part_index or voice.note != note or not _sounds(voice):
            continue
        if shape.glide_ticks > 0.0 and part.held > 0:
            _glide(voice, held[part_index, part.held - 1], shape, slots)
        elif shape.mode == ONE_SHOT:
            continue
        elif part.pedal:
            voice.lifted = 1
        else:
            _release(voice)


# --- what changes slowly ----------------------------------------------------------------------------------------------


@njit(cache=True)
def _smooth(part, shape, control, share):
    """Move what all voices of a part share towards where shape and controllers stand, all the way if `share` is 1."""
    gain = shape.gain * control.volume * control.expression
    # Two balances in a row; a centred one leaves a clip exactly as it is.
    left = gain * math.cos(0.5 * math.pi * max(0.0, shape.pan)) * math.cos(0.5 * math.pi * max(0.0, control.balance))
    right = gain * math.cos(0.5 * math.pi * max(0.0, -shape.pan)) * math.cos(0.5 * math.pi * max(0.0, -control.balance))
    part.left += share * (left - part.left)
    part.right += share * (right - part.right)
    part.pitch += share * (shape.tune + control.bend * shape.bend_range - part.pitch)
    part.low_pass += share * (shape.low_pass + shape.pressure_opens * control.pressure - part.low_pass)
    part.high_pass += share * (shape.high_pass - part.high_pass)
    part.damping += share * (shape.damping - part.damping)
    depth = min(1.0, control.wheel + shape.pressure_shakes * control.pressure) * shape.vibrato_depth
    part.vibrato += share * (depth - part.vibrato)
    if part.vibrato < 1e-6:
        part.phase = 0.0
    elif share < 1.0:
        part.phase = (part.phase + shape.vibrato_step) % 1.0


@njit(cache=True)
def _steer(voice, part, shape, control, slots, state, at_once):
    """Aim a voice's pitch, gains, filters and loop at where they shall be one tick from now, or be there `at_once`."""
    distance = voice.target_pitch - voice.pitch
    voice.pitch += min(voice.glide_step, max(-voice.glide_step, distance))
    vibrato = part.vibrato * math.sin(2.0 * math.pi * part.phase) if part.vibrato > 1e-6 else 0.0
    voice.increment = 2.0 ** ((voice.pitch + part.pitch + vibrato) / 12.0)

    left, right = part.left * voice.level, part.right * voice.level
    low_pass = part.low_pass + voice.octaves
    low_mix = 1.0 if low_pass < LOW_PASS_OFF - 1e-3 else 0.0
    high_mix = 1.0 if part.high_pass > HIGH_PASS_OFF + 1e-3 else 0.0
    if at_once:
        voice.left, voice.right, voice.low_mix, voice.high_mix = left, right, low_mix, high_mix
    voice.left_step = (left - voice.left) / TICK
    voice.right_step = (right - voice.right) / TICK
    voice.low_step = state.smooth_share * (low_mix - voice.low_mix) / TICK
    voice.high_step = state.smooth_share * (high_mix - voice.high_mix) / TICK
    if low_mix == 0.0 and voice.low_mix < 1e-4:
        voice.low_mix = voice.low_step = 0.0
    if high_mix == 0.0 and voice.high_mix < 1e-4:
        voice.high_mix = voice.high_step = 0.0
    if voice.low_mix > 0.0 or low_mix > 0.0:
        voice.low_g = _warped(low_pass, state.rate_hz)
        voice.low_k = part.damping
    if voice.high_mix > 0.0 or high_mix > 0.0:
        voice.high_g = _warped(part.high_pass, state.rate_hz)
    for index in range(8):
        if abs(voice.state[index]) < 1e-30:  # denormals are slow
            voice.state[index] = 0.0
    frames = slots[voice.slot].frames
    _loop(voice, shape, slots[voice.slot], state)
    if at_once and voice.loop_length == 0.0:
        voice.cut = min(1.0, frames * state.cut_step / voice.increment)  # a clip shorter than its fade ends in it


@njit(cache=True)
def _warped(log2_hz, rate_hz):
    """g of the trapezoidal filter: the cutoff bent so that it lies where it was asked for."""
    return math.tan(math.pi * min(2.0**log2_hz / rate_hz, 0.49))


@njit(cache=True)
def _loop(voice, shape, slot, state):
    """Take over the loop of the shape, or leave it: at once, or after the seam that the voice is in.

    `looping.played_loop` tells the same rules to those who show and write the loop.
    """
    frames = slot.frames
    from_start = voice.position - (voice.loop_end - voice.loop_length)
    in_seam = voice.loop_length > 0.0 and (
        voice.position >= voice.loop_end - voice.crossfade
        or (voice.through_silence and voice.wrapped and from_start < voice.crossfade)
    )
    if in_seam:
        return
    if shape.mode != LOOP:
        if voice.position < frames - voice.increment / state.cut_step:
            voice.loop_length = 0.0
        return
    loop_fade = state.loop_fade
    end = shape.loop_end if MIN_LOOP_FRAMES <= shape.loop_end <= frames else slot.loop_end
    start = shape.loop_start if end - shape.loop_start >= MIN_LOOP_FRAMES else 0
    length = end - start
    if length < MIN_LOOP_FRAMES:
        return
    crossfade = min(max(shape.crossfade, int(loop_fade)), length // 4)
    through_silence = 0
    if shape.crossfade == 0 or (end == slot.loop_end and end < frames):
        crossfade, through_silence = min(int(loop_fade), length // 4), 1
    elif start < crossfade:
        after = frames - end
        if after >= crossfade or (after > start and after >= loop_fade):
            crossfade = min(crossfade, after)
            end += crossfade
        elif start >= loop_fade:
            crossfade = start
        elif slot.keeps_length:
            crossfade, through_silence = min(int(loop_fade), length // 4), 1
        else:
            length -= crossfade
    if voice.position < end - crossfade:
        voice.loop_end, voice.loop_length, voice.crossfade = end, length, crossfade
        voice.through_silence = through_silence
        voice.wrapped = 0  # not yet in this one: only what comes over its seam comes out of silence


# --- sound ------------------------------------------------------------------------------------------------------------


@njit(cache=True, inline="always")
def _bell(x):
    """From 0 to 1 with level ends: a raised cosine to within 1 %, and no cosine."""
    return x * x * (3.0 - 2.0 * x)


@njit(cache=True)
def _read(clip, frames, position):
    """Left and right between frames, by Catmull-Rom through four of them; silence surrounds the clip."""
    k = int(position)
    x = position - k
    if 0 < k < frames - 2:
        b0, h0, a0, y0 = clip[k - 1, 0], clip[k, 0], clip[k + 1, 0], clip[k + 2, 0]
        b1, h1, a1, y1 = clip[k - 1, 1], clip[k, 1], clip[k + 1, 1], clip[k + 2, 1]
    else:
        b0 = b1 = h0 = h1 = a0 = a1 = y0 = y1 = np.float32(0.0)
        if 0 <= k - 1 < frames:
            b0, b1 = clip[k - 1, 0], clip[k - 1, 1]
        if 0 <= k < frames:
            h0, h1 = clip[k, 0], clip[k, 1]
        if 0 <= k + 1 < frames:
            a0, a1 = clip[k + 1, 0], clip[k + 1, 1]
        if 0 <= k + 2 < frames:
            y0, y1 = clip[k + 2, 0], clip[k + 2, 1]
    return _between(b0, h0, a0, y0, x), _between(b1, h1, a1, y1, x)


@njit(cache=True, inline="always")
def _between(before, here, after, beyond, x):
    slope = 0.5 * (after - before)
    square = before - 2.5 * here + 2.0 * after - 0.5 * beyond
    cube = 0.5 * (beyond - before) + 1.5 * (here - after)
    return ((cube * x + square) * x + slope) * x + here


@njit(cache=True)
def _render(out, slot, voice, shape, state):
    """Add one voice. Everything that changes lives in locals: fields of an array would be stored at every frame."""
    clip, frames = carray(_pointer(slot.address), (slot.frames, 2)), slot.frames  # pyright: ignore[reportCallIssue]
    position, increment = voice.position, voice.increment
    stage, phase, envelope, release_from = voice.stage, voice.phase, voice.envelope, voice.release_from
    cutting, cut, cut_step = voice.cutting, voice.cut, state.cut_step
    left, right, left_step, right_step = voice.left, voice.right, voice.left_step, voice.right_step
    loop_end, loop_length, crossfade = voice.loop_end, voice.loop_length, voice.crossfade
    wrapped, through_silence = voice.wrapped, voice.through_silence
    cut_at = frames - increment / cut_step if loop_length == 0.0 else np.inf
    low_mix, low_step, high_mix, high_step = voice.low_mix, voice.low_step, voice.high_mix, voice.high_step
    low_on, high_on = low_mix > 0.0 or low_step > 0.0, high_mix > 0.0 or high_step > 0.0
    g, k = voice.low_g, voice.low_k
    l1 = 1.0 / (1.0 + g * (g + k))
    l2 = g * l1
    l3 = g * l2
    g, k = voice.high_g, math.sqrt(2.0)
    h1 = 1.0 / (1.0 + g * (g + k))
    h2 = g * h1
    h3 = g * h2
    s0, s1, s2, s3 = voice.state[0], voice.state[1], voice.state[2], voice.state[3]
    t0, t1, t2, t3 = voice.state[4], voice.state[5], voice.state[6], voice.state[7]
    for i in range(len(out)):
        if loop_length > 0.0:
            while position >= loop_end:
                position -= loop_length
                wrapped = 1
        elif position >= cut_at:
            cutting = 1
        if stage == ATTACK:
            phase += shape.attack_step
            envelope = _bell(phase)
            if phase >= 1.0:
                stage, envelope = DECAY, 1.0
        elif stage == DECAY:
            envelope += shape.decay_share * (shape.sustain - envelope)
        else:
            phase -= shape.release_step
            envelope = release_from * _bell(max(0.0, phase))
            if phase <= 0.0:
                stage = IDLE
        level = envelope
        if cutting:
            cut -= cut_step
            if cut <= 0.0:
                stage = IDLE
            level *= _bell(max(0.0, cut))
        if stage == IDLE or position >= frames:
            stage = IDLE
            break

        a, b = _read(clip, frames, position)
        if loop_length > 0.0:
            ahead = loop_end - position
            if through_silence:
                edge = min(ahead, position - (loop_end - loop_length)) if wrapped else ahead
                if edge < crossfade:
                    weight = _bell(max(0.0, edge / crossfade))
                    a *= weight
                    b *= weight
            elif ahead < crossfade:
                angle = 0.5 * math.pi * ahead / crossfade
                going, coming = math.sin(angle), math.cos(angle)
                c, d = _read(clip, frames, position - loop_length)
                a = going * a + coming * c
                b = going * b + coming * d
        if low_on:
            v = a - s1
            band = l1 * s0 + l2 * v
            low = s1 + l2 * s0 + l3 * v
            s0, s1 = 2.0 * band - s0, 2.0 * low - s1
            a += low_mix * (low - a)
            v = b - s3
            band = l1 * s2 + l2 * v
            low = s3 + l2 * s2 + l3 * v
            s2, s3 = 2.0 * band - s2, 2.0 * low - s3
            b += low_mix * (low - b)
            low_mix += low_step
        if high_on:
            v = a - t1
            band = h1 * t0 + h2 * v
            low = t1 + h2 * t0 + h3 * v
            t0, t1 = 2.0 * band - t0, 2.0 * low - t1
            a -= high_mix * (k * band + low)
            v = b - t3
            band = h1 * t2 + h2 * v
            low = t3 + h2 * t2 + h3 * v
            t2, t3 = 2.0 * band - t2, 2.0 * low - t3
            b -= high_mix * (k * band + low)
            high_mix += high_step
        out[i, 0] += level * left * a
        out[i, 1] += level * right * b
        left += left_step
        right += right_step
        position += increment
    voice.position, voice.stage, voice.phase, voice.envelope = position, stage, phase, envelope
    voice.cutting, voice.cut, voice.wrapped = cutting, cut, wrapped
    voice.left, voice.right, voice.low_mix, voice.high_mix = left, right, low_mix, high_mix
    voice.state[0], voice.state[1], voice.state[2], voice.state[3] = s0, s1, s2, s3
    voice.state[4], voice.state[5], voice.state[6], voice.state[7] = t0, t1, t2, t3


@njit(cache=True)
def _limit(out, state):
    """Soft knee from -3 dBFS, never above -1 dBFS; the gain falls at once for both sides and recovers in 80 ms."""
    gain, loudest = state.limiter_gain, state.peak
    for i in range(len(out)):
        peak = max(abs(out[i, 0]), abs(out[i, 1]))
        gain += (1.0 - gain) * state.limiter_share
        if gain > 0.999999:
            gain = 1.0
        if peak * gain > KNEE:
            allowed = KNEE + (CEILING - KNEE) * np.tanh((peak - KNEE) / (CEILING - KNEE))
            gain = min(gain, allowed / peak)
        for side in range(2):
            out[i, side] = min(CEILING, max(-CEILING, out[i, side] * gain))
        loudest = max(loudest, peak * gain)
    state.limiter_gain, state.peak = gain, loudest
