//! PAT, PMT and SDT, each to and from one section.

use super::section::crc32;
use thiserror::Error;

/// Bytes after `section_length` at most, for these tables.
const MAX_SECTION_LENGTH: usize = 1021;
const RESERVED_PID: u16 = 0xE000;
const SERVICE_DESCRIPTOR: u8 = 0x48;
/// EN 300 468, table 87: digital television service.
const DIGITAL_TELEVISION: u8 = 0x01;
/// EN 300 468, table 6, with `free_CA_mode` 0.
const RUNNING: u16 = 4 << 13;

/// A table that cannot be written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TableError {
    /// Its content does not fit in one section.
    #[error("the table needs {0} bytes after section_length; one section has room for {MAX_SECTION_LENGTH}")]
    TooLong(usize),
    /// A name does not fit in its descriptor.
    #[error("provider and service name take {0} bytes; the service descriptor has room for 252")]
    NameTooLong(usize),
}

/// Program association table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pat {
    /// Which multiplex this is in its network.
    pub transport_stream_id: u16,
    /// 5 bits.
    pub version_number: u8,
    /// Program number and the PID of its PMT (program 0: of the NIT).
    pub programs: Vec<(u16, u16)>,
}

impl Pat {
    /// The whole section, `CRC_32` included.
    pub fn to_section(&self) -> Result<Vec<u8>, TableError> {
        let mut body = Vec::new();
        for &(program_number, pid) in &self.programs {
            put16(&mut body, program_number);
            put16(&mut body, RESERVED_PID | pid);
        }
        section(0x00, 0xB000, self.transport_stream_id, self.version_number, &body)
    }

    /// Reads a section whose CRC is sound.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (transport_stream_id, version_number, body) = open(0x00, bytes)?;
        let programs =
            body.chunks_exact(4).map(|entry| (get16(entry, 0), get16(entry, 2) & 0x1FFF)).collect();
        Some(Self { transport_stream_id, version_number, programs })
    }
}

/// One stream of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PmtStream {
    /// 0x1B = H.264, 0x24 = HEVC, 0x0F = AAC in ADTS, …
    pub stream_type: u8,
    /// Where it is.
    pub elementary_pid: u16,
    /// Raw descriptors.
    pub descriptors: Vec<u8>,
}

/// Program map table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pmt {
    /// The program it describes.
    pub program_number: u16,
    /// 5 bits.
    pub version_number: u8,
    /// The PID that carries the clock.
    pub pcr_pid: u16,
    /// The program's streams.
    pub streams: Vec<PmtStream>,
}

impl Pmt {
    /// The whole section, `CRC_32` included.
    pub fn to_section(&self) -> Result<Vec<u8>, TableError> {
        let mut body = Vec::new();
        put16(&mut body, RESERVED_PID | self.pcr_pid);
        put16(&mut body, 0xF000); // program_info_length 0
        for stream in &self.streams {
            body.push(stream.stream_type);
            put16(&mut body, RESERVED_PID | stream.elementary_pid);
            if stream.descriptors.len() > MAX_SECTION_LENGTH {
                return Err(TableError::TooLong(stream.descriptors.len()));
            }
            put16(&mut body, 0xF000 | stream.descriptors.len() as u16);
            body.extend_from_slice(&stream.descriptors);
        }
        section(0x02, 0xB000, self.program_number, self.version_number, &body)
    }

    /// Reads a section whose CRC is sound.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (program_number, version_number, body) = open(0x02, bytes)?;
        if body.len() < 4 {
            return None;
        }
        let mut rest = body.get(4 + usize::from(get16(body, 2) & 0x0FFF)..)?;
        let mut streams = Vec::new();
        while rest.len() >= 5 {
            let end = 5 + usize::from(get16(rest, 3) & 0x0FFF);
            streams.push(PmtStream {
                stream_type: rest[0],
                elementary_pid: get16(rest, 1) & 0x1FFF,
                descriptors: rest.get(5..end)?.to_vec(),
            });
            rest = &rest[end..];
        }
        Some(Self { program_number, version_number, pcr_pid: get16(body, 0) & 0x1FFF, streams })
    }
}

/// Service description table of the actual transport stream, with one service, running and not scrambled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdt {
    /// The multiplex of the PAT.
    pub transport_stream_id: u16,
    /// The network the multiplex came from.
    pub original_network_id: u16,
    /// 5 bits.
    pub version_number: u8,
    /// The program number.
    pub service_id: u16,
    /// Who provides the service.
    pub provider_name: String,
    /// What a receiver calls it.
    pub service_name: String,
}

impl Sdt {
    /// The whole section, `CRC_32` included.
    pub fn to_section(&self) -> Result<Vec<u8>, TableError> {
        let provider = encode_text(&self.provider_name);
        let name = encode_text(&self.service_name);
        let names = provider.len() + name.len();
        if names > 252 {
            return Err(TableError::NameTooLong(names));
        }
        let mut body = Vec::new();
        put16(&mut body, self.original_network_id);
        body.push(0xFF);
        put16(&mut body, self.service_id);
        body.push(0xFC); // no event information
        put16(&mut body, RUNNING | (5 + names as u16));
        body.extend([SERVICE_DESCRIPTOR, 3 + names as u8, DIGITAL_TELEVISION]);
        body.push(provider.len() as u8);
        body.extend(provider);
        body.push(name.len() as u8);
        body.extend(name);
        section(0x42, 0xF000, self.transport_stream_id, self.version_number, &body)
    }

    /// Reads a section whose CRC is sound; only its first service.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (transport_stream_id, version_number, body) = open(0x42, bytes)?;
        if body.len() < 8 {
            return None;
        }
        let end = 8 + usize::from(get16(body, 6) & 0x0FFF);
        let (provider_name, service_name) = names(body.get(8..end)?)?;
        Some(Self {
            transport_stream_id,
            original_network_id: get16(body, 0),
            version_number,
            service_id: get16(body, 3),
            provider_name,
            service_name,
        })
    }
}

fn names(mut descriptors: &[u8]) -> Option<(String, String)> {
    while let [tag, length, rest @ ..] = descriptors {
        let content = rest.get(..usize::from(*length))?;
        if *tag == SERVICE_DESCRIPTOR {
            let (&provider_length, rest) = content.get(1..)?.split_first()?;
            let provider = rest.get(..usize::from(provider_length))?;
            let (&name_length, rest) = rest[provider.len()..].split_first()?;
            let name = rest.get(..usize::from(name_length))?;
            return Some((decode_text(provider), decode_text(name)));
        }
        descriptors = &rest[content.len()..];
    }
    None
}

/// Text as EN 300 468 Annex A has it: plain for ASCII, behind the mark 0x15 for UTF-8.
fn encode_text(text: &str) -> Vec<u8> {
    let mark = if text.is_ascii() { &[][..] } else { &[0x15] };
    [mark, text.as_bytes()].concat()
}

/// Other character tables of Annex A are read as far as they agree with ASCII.
fn decode_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix(&[0x15]).unwrap_or(bytes)).into_owned()
}

/// Wraps `body` as a long-form section, current, the only one of its table.
fn section(table_id: u8, flags: u16, id: u16, version: u8, body: &[u8]) -> Result<Vec<u8>, TableError> {
    let section_length = 5 + body.len() + 4;
    if section_length > MAX_SECTION_LENGTH {
        return Err(TableError::TooLong(section_length));
    }
    let mut bytes = vec![table_id];
    put16(&mut bytes, flags | section_length as u16);
    put16(&mut bytes, id);
    bytes.extend([0xC1 | version << 1 & 0x3E, 0, 0]);
    bytes.extend_from_slice(body);
    bytes.extend(crc32(&bytes).to_be_bytes());
    Ok(bytes)
}

/// Table id extension, version and body of a long-form section of this `table_id` that is current.
fn open(table_id: u8, bytes: &[u8]) -> Option<(u16, u8, &[u8])> {
    if bytes.len() < 12 || bytes[0] != table_id || bytes[5] & 1 == 0 {
        return None;
    }
    Some((get16(bytes, 3), bytes[5] >> 1 & 0x1F, &bytes[8..bytes.len() - 4]))
}

fn put16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend(value.to_be_bytes());
}

fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MX-4
    #[test]
    fn the_pat_has_these_bytes() {
        let pat = Pat { transport_stream_id: 0x1234, version_number: 3, programs: vec![(1, 0x1000)] };
        let bytes = pat.to_section().expect("a section");
        assert_eq!(bytes[0], 0x00, "table_id");
        assert_eq!(bytes[1..3], [0xB0, 13], "section_syntax_indicator, section_length");
        assert_eq!(bytes[3..5], [0x12, 0x34], "transport_stream_id");
        assert_eq!(bytes[5], 0xC7, "version_number 3, current_next_indicator");
        assert_eq!(bytes[6..8], [0, 0], "section_number, last_section_number");
        assert_eq!(bytes[8..10], [0, 1], "program_number");
        assert_eq!(bytes[10..12], [0xF0, 0x00], "program_map_PID 0x1000");
        assert_eq!((bytes.len(), crc32(&bytes)), (16, 0), "CRC_32");
        assert_eq!(Pat::parse(&bytes), Some(pat));
    }

    /// MX-4
    #[test]
    fn the_pmt_has_these_bytes() {
        let video = PmtStream { stream_type: 0x1B, elementary_pid: 0x100, descriptors: vec![] };
        let audio = PmtStream {
            stream_type: 0x0F,
            elementary_pid: 0x101,
            descriptors: vec![0x0A, 4, b'e', b'n', b'g', 0],
        };
        let pmt = Pmt { program_number: 1, version_number: 0, pcr_pid: 0x100, streams: vec![video, audio] };
        let bytes = pmt.to_section().expect("a section");
        assert_eq!(bytes[..3], [0x02, 0xB0, 29], "table_id, section_length");
        assert_eq!(bytes[3..8], [0, 1, 0xC1, 0, 0], "program_number, version_number, section numbers");
        assert_eq!(bytes[8..10], [0xE1, 0x00], "PCR_PID");
        assert_eq!(bytes[10..12], [0xF0, 0], "program_info_length");
        assert_eq!(bytes[12..17], [0x1B, 0xE1, 0x00, 0xF0, 0], "H.264: stream_type, PID, ES_info_length");
        assert_eq!(bytes[17..22], [0x0F, 0xE1, 0x01, 0xF0, 6], "AAC: stream_type, PID, ES_info_length");
        assert_eq!(bytes[22..28], [0x0A, 4, b'e', b'n', b'g', 0], "ISO_639_language_descriptor");
        assert_eq!(crc32(&bytes), 0, "CRC_32");
        assert_eq!(Pmt::parse(&bytes), Some(pmt));
    }

    fn sdt(service_name: &str) -> Sdt {
        Sdt {
            transport_stream_id: 1,
            original_network_id: 0xFF01,
            version_number: 0,
            service_id: 1,
            provider_name: "Air".into(),
            service_name: service_name.into(),
        }
    }

    #[test]
    fn the_sdt_has_these_bytes() {
        let bytes = sdt("Né").to_section().expect("a section");
        assert_eq!(bytes[..3], [0x42, 0xF0, 29], "table_id, section_length");
        assert_eq!(bytes[8..11], [0xFF, 0x01, 0xFF], "original_network_id, reserved");
        assert_eq!(bytes[11..14], [0, 1, 0xFC], "service_id, EIT flags");
        assert_eq!(bytes[14..16], [0x80, 12], "running_status, descriptors_loop_length");
        assert_eq!(bytes[16..19], [0x48, 10, 0x01], "service_descriptor, service_type");
        assert_eq!(bytes[19..23], [3, b'A', b'i', b'r'], "service_provider_name");
        assert_eq!(bytes[23..28], [4, 0x15, b'N', 0xC3, 0xA9], "service_name, UTF-8");
        assert_eq!(crc32(&bytes), 0, "CRC_32");
        assert_eq!(Sdt::parse(&bytes), Some(sdt("Né")));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(sdt(&"x".repeat(250)).to_section(), Err(TableError::NameTooLong(253)));
        let pat = Pat { transport_stream_id: 1, version_number: 0, programs: vec![(1, 0x1000); 254] };
        assert_eq!(pat.to_section(), Err(TableError::TooLong(1025)));
    }
}
