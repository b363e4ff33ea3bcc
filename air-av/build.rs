//! Tells the crate which libav it meets, for the few fields and functions that changed between releases.

fn main() {
    for release in ["ffmpeg_6_0", "ffmpeg_6_1"] {
        println!("cargo::rustc-check-cfg=cfg({release})");
        // Emitted by ffmpeg-sys-next from the installed headers: "true", or empty for releases not reached.
        let reached = format!("DEP_FFMPEG_{}", release.to_uppercase());
        if std::env::var(reached).is_ok_and(|reached| reached == "true") {
            println!("cargo::rustc-cfg={release}");
        }
    }
}
