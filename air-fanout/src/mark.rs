//! `discontinuity_indicator`, set where a stream was cut, and only there (ISO/IEC 13818-1, 2.4.3.5).
//!
//! Of every PID the first packet with an adaptation field says it. Nothing is inserted: a packet without that field
//! goes as it is, and receivers find its counter to be odd, as after any loss.

use air_ts::packet::{PACKET_SIZE, Packet};

/// Bytes after a cut within which every PID has had its chance.
const REACH: usize = 4096 * PACKET_SIZE;
const INDICATOR: u8 = 0x80;

/// Marks the packets after one cut.
#[derive(Clone, Debug)]
pub(crate) struct Marker {
    done: Vec<u16>,
    left: usize,
}

impl Marker {
    pub fn new() -> Self {
        Self { done: Vec::new(), left: REACH }
    }

    /// Marks whole packets; false when there is nothing left to do.
    pub fn mark(&mut self, packets: &mut [u8]) -> bool {
        self.left = self.left.saturating_sub(packets.len());
        for packet in packets.as_chunks_mut::<PACKET_SIZE>().0 {
            let pid = Packet::new(packet).pid();
            if has_flags(packet) && !self.done.contains(&pid) {
                packet[5] |= INDICATOR;
                self.done.push(pid);
            }
        }
        self.left > 0
    }

    /// Whether each of these PIDs was marked.
    pub fn has_marked(&self, pids: &[u16]) -> bool {
        !pids.is_empty() && pids.iter().all(|pid| self.done.contains(pid))
    }
}

fn has_flags(packet: &[u8; PACKET_SIZE]) -> bool {
    packet[3] & 0x20 != 0 && packet[4] > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shape, stream};

    #[test]
    fn one_packet_of_each_pid_is_marked_and_no_other_byte_changes() {
        let before = stream(Shape::tables_first(), 2);
        let mut after = before.clone();
        assert!(Marker::new().mark(&mut after));
        let changed: Vec<usize> = (0..before.len()).filter(|&at| before[at] != after[at]).collect();
        // the IDR picture's first packet, and the first of the sound, each with a clock or stuffing
        assert_eq!(changed.len(), 2);
        for at in changed {
            assert_eq!((at % PACKET_SIZE, before[at] | INDICATOR), (5, after[at]));
        }
    }
}
