//! Remix: the filters that bring one kind of decoded sound to house rate, layout and sample format.
//!
//! Folding surround sound into fewer channels follows ITU-R BS.775 but for the centre, which is added at 0 dB, one
//! of the values of ATSC A/52 (annex D, `lorocmixlev`), instead of −3 dB: that is where dialogue is, and films are
//! too quiet beside stereo without.
//!
//! | from | into left | into right |
//! |---|---|---|
//! | front left, front right | 1, – | –, 1 |
//! | centre | 1 | 1 |
//! | surround and back, left and right | 0.707, – | –, 0.707 |
//! | back centre | 0.5 | 0.5 |
//! | LFE | – | – |
//!
//! The sum is not turned down to what all channels at full scale would take, 9 to 12 dB that no programme needs;
//! a limiter that looks ahead holds the few peaks that would clip, and changes no bit elsewhere. Mono is half of
//! left plus half of right; mono in stereo is the same sound twice, at its level. Nothing is dithered: the same
//! sound gives the same samples.

use air_av::{AudioGraph, Rational, Result, SamplesFormat};

use crate::format::AudioFormat;

/// What swresample is told: the table above, and not to scale it down.
const FOLD: &str = "internal_sample_fmt=fltp:center_mix_level=1:surround_mix_level=0.70710678:lfe_mix_level=0\
                    :rematrix_maxval=1000";

/// Adds no delay, and no gain of its own.
const LIMITER: &str = "alimiter=limit=1:level=false:attack=5:release=300:latency=true";

/// The graph from `source` to `house` samples of 16 bits, interleaved.
pub fn graph(source: &SamplesFormat, time_base: Rational, house: AudioFormat) -> Result<AudioGraph> {
    AudioGraph::new(source, time_base, &by_place(source, house))
        .or_else(|_| AudioGraph::new(source, time_base, &by_number(source, house)))
}

/// Channels go where their places say.
fn by_place(source: &SamplesFormat, house: AudioFormat) -> String {
    let (rate, out) = (house.sample_rate, output(house));
    match (source.channels, house.channels) {
        // swresample would take 3 dB away.
        (1, 2 | 3) => format!("pan=stereo|c0=c0|c1=c0,aresample={rate},{out}"),
        (3.., to) if source.layout != layout(to) => {
            // Mono is half of each side, which the last step sees to.
            let folded = format!("aformat=sample_fmts=dbl:channel_layouts={}", layout(to.max(2)));
            format!("aresample={rate}:{FOLD},{folded},{LIMITER},{out}")
        }
        _ => format!("aresample={rate},{out}"),
    }
}

/// Channels keep their order, for want of a way to fold their layout: sixteen tracks of a recorder, a lone pair of
/// surrounds, Ambisonics. The first ones are taken.
fn by_number(source: &SamplesFormat, house: AudioFormat) -> String {
    let count = house.channels.min(u16::try_from(source.channels).unwrap_or(u16::MAX));
    let channels: Vec<String> = (0..count).map(|channel| channel.to_string()).collect();
    let (rate, out) = (house.sample_rate, output(house));
    format!("channelmap={}:{},aresample={rate},{out}", channels.join("|"), layout(count))
}

fn output(house: AudioFormat) -> String {
    let (rate, layout) = (house.sample_rate, layout(house.channels));
    format!("aformat=sample_fmts=s16:sample_rates={rate}:channel_layouts={layout}")
}

/// The layout of a house format, which only counts its channels.
fn layout(channels: u16) -> &'static str {
    match channels {
        1 => "mono",
        2 => "stereo",
        3 => "2.1",
        4 => "4.0",
        5 => "5.0",
        6 => "5.1",
        7 => "6.1",
        _ => "7.1",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicU64, Ordering};

    use air_av::{AudioDecoder, Demuxer, Interrupt, Samples};

    use super::*;

    /// Full scale of what is put in; half of what there is.
    const LEVEL: i16 = 16_384;

    /// Sound as decoded from a WAV file of `channels`, whose places are the bits of `mask`.
    fn decoded(rate: u32, channels: u16, mask: u32, samples: &[i16]) -> Vec<Samples> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("air-remix-{}-{}.wav", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, wav(rate, channels, mask, samples)).unwrap();
        let mut demuxer = Demuxer::open(&path, &Interrupt::new()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut decoder = AudioDecoder::new(demuxer.audio().unwrap(), 1).unwrap();
        let mut out = VecDeque::new();
        while let Some(packet) = demuxer.read().unwrap() {
            decoder.decode(Some(&packet), &mut out).unwrap();
        }
        decoder.decode(None, &mut out).unwrap();
        out.into()
    }

    /// A file of WAVE_FORMAT_EXTENSIBLE, in which channels have places.
    fn wav(rate: u32, channels: u16, mask: u32, samples: &[i16]) -> Vec<u8> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let (frame, length) = (channels * 2, bytes.len() as u32);
        let mut wav = b"RIFF".to_vec();
        wav.extend((length + 60).to_le_bytes());
        wav.extend(b"WAVEfmt ");
        wav.extend(40_u32.to_le_bytes());
        wav.extend([0xFE, 0xFF]);
        wav.extend(channels.to_le_bytes());
        wav.extend(rate.to_le_bytes());
        wav.extend((rate * u32::from(frame)).to_le_bytes());
        for value in [frame, 16, 22, 16] {
            wav.extend(value.to_le_bytes());
        }
        wav.extend(mask.to_le_bytes());
        // KSDATAFORMAT_SUBTYPE_PCM
        wav.extend([1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
        wav.extend(b"data");
        wav.extend(length.to_le_bytes());
        wav.extend(bytes);
        wav
    }

    fn remixed(sound: &[Samples], house: AudioFormat) -> Vec<i16> {
        let time_base = Rational::new(1, sound[0].rate() as i32);
        let mut graph = graph(&sound[0].format(), time_base, house).unwrap();
        let mut out = Vec::new();
        for samples in sound.iter().map(Some).chain([None]) {
            graph.push(samples).unwrap();
            while let Some(samples) = graph.pull().unwrap() {
                out.extend(samples.interleaved_i16().unwrap());
            }
        }
        out
    }

    fn house(channels: u16) -> AudioFormat {
        AudioFormat { sample_rate: 48_000, channels }
    }

    /// The greatest level of each house channel, in hundredths of that of the source, when only its channel
    /// `sounding` has a tone.
    fn levels(channels: u16, mask: u32, sounding: u16, to: u16) -> Vec<i32> {
        let tone = |i: u32| [LEVEL, LEVEL, -LEVEL, -LEVEL][(i / 12 % 4) as usize];
        let sample = |i| (0..channels).map(move |channel| if channel == sounding { tone(i) } else { 0 });
        let samples: Vec<i16> = (0..9_600).flat_map(sample).collect();
        let out = remixed(&decoded(48_000, channels, mask, &samples), house(to));
        let of = |channel: usize| out.iter().skip(channel).step_by(to.into()).max().copied().unwrap_or(0);
        (0..to.into()).map(|channel| (i32::from(of(channel)) * 100 + 8_192) / i32::from(LEVEL)).collect()
    }

    const FIVE_ONE: u32 = 0x3F;
    const FIVE_ONE_SIDE: u32 = 0x60F;
    const SEVEN_ONE: u32 = 0x63F;

    /// L-36: centre-only speech is 3 dB above what ITU-R BS.775 gives, and nothing is turned down for it.
    #[test]
    fn dialogue_keeps_its_level_in_stereo() {
        let left = [100, 0];
        for (channels, mask) in [(6, FIVE_ONE), (6, FIVE_ONE_SIDE), (8, SEVEN_ONE), (5, 0x37), (3, 7)] {
            assert_eq!(levels(channels, mask, 2, 2), [100, 100], "centre of {mask:#x}");
            assert_eq!(levels(channels, mask, 0, 2), left, "left of {mask:#x}");
        }
        for mask in [FIVE_ONE, FIVE_ONE_SIDE] {
            assert_eq!(levels(6, mask, 3, 2), [0, 0], "LFE");
            assert_eq!(levels(6, mask, 5, 2), [0, 71], "right surround");
        }
        assert_eq!(levels(6, FIVE_ONE, 2, 1), [100], "and in mono");
    }

    #[test]
    fn mono_and_stereo_keep_their_level_in_each_other() {
        assert_eq!(levels(1, 4, 0, 2), [100, 100]);
        assert_eq!(levels(1, 0, 0, 2), [100, 100], "a channel without a place");
        assert_eq!(levels(2, 3, 0, 1), [50]);
        assert_eq!(levels(2, 3, 1, 6), [0, 100, 0, 0, 0, 0]);
        assert_eq!(levels(1, 4, 0, 6), [0, 0, 100, 0, 0, 0], "speech comes from the centre");
        assert_eq!(
            levels(6, FIVE_ONE_SIDE, 4, 6)[4..],
            [100, 0],
            "surrounds are surrounds, beside or behind"
        );
    }

    /// Layouts that nobody has a rule for sound all the same.
    #[test]
    fn what_cannot_be_folded_is_taken_in_order() {
        assert_eq!(levels(2, 0x30, 1, 2), [0, 100], "a pair of surrounds");
        assert_eq!(levels(12, 0, 0, 2), [100, 0], "tracks without places");
        assert_eq!(levels(12, 0, 7, 8)[7], 100);
    }

    /// All channels at full scale: held, neither wrapped nor cut off flat, and as long as before.
    #[test]
    fn the_loudest_film_does_not_clip() {
        let tone = |i: usize| ((i as f64 / 24.3).sin() * 32_000.0) as i16;
        let samples: Vec<i16> = (0..48_000).flat_map(|i| [tone(i); 6]).collect();
        let out = remixed(&decoded(48_000, 6, FIVE_ONE, &samples), house(2));
        assert_eq!(out.len(), 96_000);
        let left: Vec<i16> = out.into_iter().step_by(2).collect();
        let flat =
            left.windows(6).filter(|run| run.iter().all(|value| value.unsigned_abs() >= 32_767)).count();
        assert!(flat == 0, "{flat} runs at full scale");
        assert!(left[45_000..].iter().any(|value| value.unsigned_abs() > 30_000));
    }

    /// AU-1: house sound is not touched, and any sound comes out the same twice.
    #[test]
    fn sound_in_house_format_is_not_touched() {
        let noise: Vec<i16> = (0..9_600_u64).map(|i| ((i * i * 2_654_435_761) >> 13) as i16).collect();
        assert_eq!(remixed(&decoded(48_000, 2, 3, &noise), house(2)), noise);
        assert_eq!(remixed(&decoded(48_000, 6, FIVE_ONE, &noise), house(6)), noise);
        let odd = decoded(44_100, 6, FIVE_ONE, &noise);
        assert_eq!(remixed(&odd, house(2)), remixed(&odd, house(2)));
    }

    /// L-05: an impulse comes out when it went in, and as many samples as the ratio of the rates says.
    #[test]
    fn no_rate_delays_sound_or_changes_its_length() {
        for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000] {
            for (channels, mask) in [(1, 4), (2, 3), (6, FIVE_ONE)] {
                let at = rate as usize / 2;
                let mut samples = vec![0; rate as usize * usize::from(channels)];
                // As wide as the slower of both rates can carry.
                let width = (rate / 8_000).max(1) as i64;
                for i in -width..=width {
                    let from = (at as i64 + i) as usize * usize::from(channels);
                    let height = i64::from(LEVEL) * (width + 1 - i.abs()) / (width + 1);
                    samples[from..from + usize::from(channels)].fill(height as i16);
                }
                let out = remixed(&decoded(rate, channels, mask, &samples), house(2));
                let left: Vec<i16> = out.iter().step_by(2).copied().collect();
                assert!(left.len().abs_diff(48_000) <= 1, "{rate} Hz: {} samples", left.len());
                let peak = (0..left.len()).max_by_key(|&i| left[i]).unwrap();
                assert!(peak.abs_diff(24_000) <= 4, "{rate} Hz, {channels} channels: {peak}");
            }
        }
    }
}
