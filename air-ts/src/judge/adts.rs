//! Frames of AAC in ADTS: how many, at which sampling rate, of how many channels (ISO/IEC 13818-7, 6.2).

const SAMPLING_FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const HEADER_SIZE: usize = 7;
/// Samples of one frame with one raw data block, the only kind made.
pub(super) const FRAME_SAMPLES: u64 = 1024;

/// Follows frames by their lengths.
#[derive(Debug, Default)]
pub(super) struct Adts {
    header: [u8; HEADER_SIZE],
    have: usize,
    /// Bytes of the present frame still to come.
    skip: usize,
    frames: u64,
    sampling_frequency: Option<u32>,
    channel_configuration: u8,
}

impl Adts {
    pub(super) fn scan(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let Some((&byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            self.header[self.have] = byte;
            self.have += 1;
            if self.have == HEADER_SIZE {
                self.read_header();
            }
        }
    }

    /// Bytes are missing: look for the next frame.
    pub(super) fn lose(&mut self) {
        self.have = 0;
        self.skip = 0;
    }

    /// Frames begun.
    pub(super) fn frames(&self) -> u64 {
        self.frames + u64::from(self.have > 0)
    }

    /// With so many frames begun before it, the next one is whole.
    pub(super) fn has_whole(&self, before: u64) -> bool {
        let is_between = self.have == 0 && self.skip == 0;
        self.frames() > before + 1 || self.frames() == before + 1 && is_between
    }

    /// Samples per second, once known.
    pub(super) fn sampling_frequency(&self) -> Option<u32> {
        self.sampling_frequency
    }

    /// Of the last frame; 0 before the first, or when the frames themselves tell the channels.
    pub(super) fn channel_configuration(&self) -> u8 {
        self.channel_configuration
    }

    fn read_header(&mut self) {
        let [sync, flags, format, a, b, c, _] = self.header;
        let length = usize::from(a & 3) << 11 | usize::from(b) << 3 | usize::from(c >> 5);
        let frequency = SAMPLING_FREQUENCIES.get(usize::from(format >> 2 & 0x0F));
        match frequency {
            Some(&frequency) if sync == 0xFF && flags & 0xF6 == 0xF0 && length >= HEADER_SIZE => {
                self.sampling_frequency = Some(frequency);
                self.channel_configuration = (format & 1) << 2 | a >> 6;
                self.frames += 1;
                self.skip = length - HEADER_SIZE;
                self.have = 0;
            }
            _ => {
                self.header.copy_within(1.., 0);
                self.have -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_with_its_last_byte() {
        let mut frame = vec![0xFF, 0xF1, 0x4C, 0x80, 0x03, 0x1F, 0xFC];
        frame.resize(24, 0xFF);
        let mut adts = Adts::default();
        for (at, byte) in frame.repeat(2).into_iter().enumerate() {
            adts.scan(&[byte]);
            assert_eq!(adts.has_whole(0), at >= 23, "byte {at}");
        }
    }

    #[test]
    fn frames_are_counted_however_the_bytes_are_cut() {
        let mut frame = vec![0xFF, 0xF1, 0x4C, 0x80, 0x03, 0x1F, 0xFC]; // 48 kHz, aac_frame_length 24
        frame.resize(24, 0xFF);
        let stream = frame.repeat(50);
        for cut in 1..40 {
            let mut adts = Adts::default();
            stream.chunks(cut).for_each(|chunk| adts.scan(chunk));
            assert_eq!((adts.frames(), adts.sampling_frequency()), (50, Some(48_000)));
        }
    }
}
