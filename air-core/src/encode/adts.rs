//! ADTS: the header that makes a raw AAC frame an access unit of a transport stream (ISO/IEC 13818-7, 6.2).

use super::EncodeError;
use crate::format::AudioFormat;

/// Rates by `sampling_frequency_index`.
const SAMPLING_FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const HEADER_SIZE: usize = 7;

/// Puts headers before the frames of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Adts {
    sampling_frequency_index: u8,
    channel_configuration: u8,
}

impl Adts {
    /// Headers for `format`; refused when ADTS has no number for its rate or channels.
    pub fn for_format(format: AudioFormat) -> Result<Adts, EncodeError> {
        let refused = |what| EncodeError::Format { codec: "aac", what };
        let index = SAMPLING_FREQUENCIES.iter().position(|&rate| rate == format.sample_rate);
        let sampling_frequency_index =
            index.ok_or_else(|| refused(format!("a sample rate of {} Hz", format.sample_rate)))? as u8;
        // Three are left out: libav's layout of three is not that of the number.
        let channel_configuration = match format.channels {
            channels @ (1 | 2 | 4..=6) => channels as u8,
            8 => 7,
            channels => return Err(refused(format!("{channels} channels"))),
        };
        Ok(Adts { sampling_frequency_index, channel_configuration })
    }

    /// `raw`, one AAC-LC frame, with its header.
    pub fn frame(self, raw: &[u8]) -> Vec<u8> {
        let length = HEADER_SIZE + raw.len();
        let mut frame = Vec::with_capacity(length);
        frame.extend([
            0xFF, // syncword
            0xF1, // syncword, MPEG-4, layer 0, protection_absent
            // profile_ObjectType 1 = LC, sampling_frequency_index, channel_configuration's high bit
            0x40 | self.sampling_frequency_index << 2 | self.channel_configuration >> 2,
            self.channel_configuration << 6 | (length >> 11) as u8 & 0x03,
            (length >> 3) as u8,
            (length << 5) as u8 | 0x1F, // adts_buffer_fullness 0x7FF: variable rate
            0xFC,                       // …, number_of_raw_data_blocks_in_frame 0 = one
        ]);
        frame.extend_from_slice(raw);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_rate_channels_and_length() {
        let adts = Adts::for_format(AudioFormat { sample_rate: 48_000, channels: 2 }).unwrap();
        assert_eq!(adts.frame(&[0xAA; 2])[..], [0xFF, 0xF1, 0x4C, 0x80, 0x01, 0x3F, 0xFC, 0xAA, 0xAA]);
    }

    /// PF-7: what cannot be carried is refused, not bent.
    #[test]
    fn formats_without_a_number_are_refused() {
        for (sample_rate, channels) in [(48_000, 3), (48_000, 7), (50_000, 2)] {
            assert!(Adts::for_format(AudioFormat { sample_rate, channels }).is_err());
        }
    }
}
