//! The playout interface in Rust, messages, servers and clients, as generated from `protos/`, where it is described.

/// The playout control interface, 1.0.0.
#[allow(missing_docs)]
pub mod control {
    tonic::include_proto!("retrovue.playout");
}

/// How channels stand, and what happens on them.
#[allow(missing_docs)]
pub mod monitor {
    tonic::include_proto!("air.playout.v1");
}

/// All of `protos/` as an encoded `google.protobuf.FileDescriptorSet`, options and comments included.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
