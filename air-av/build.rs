//! Tells the crate which libav it meets, for the few struct fields that were renamed between releases.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(ffmpeg_6_0)");
    // Emitted by ffmpeg-sys-next from the installed headers: "true", or empty for releases not reached.
    if std::env::var("DEP_FFMPEG_FFMPEG_6_0").is_ok_and(|reached| reached == "true") {
        println!("cargo::rustc-cfg=ffmpeg_6_0");
    }
}
