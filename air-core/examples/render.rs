//! Renders a plan on the virtual clock: `render OUT.ts WxH N/D SEGMENT[@DURATION_MS]...`.
use std::path::Path;

use air_core::{ProgramFormat, RenderOptions, RenderSegment, render};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, size, rate, plan @ ..] = args.as_slice() else {
        return Err("usage: render OUT.ts WxH N/D SEGMENT[@DURATION_MS]...".into());
    };
    let (width, height) = size.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    let format = ProgramFormat::from_json(&format!(
        r#"{{"video":{{"width":{width},"height":{height},"frame_rate":"{rate}"}},"audio":{{"sample_rate":48000,"channels":2}}}}"#
    ))?;
    let segment = |entry: &String| match entry.rsplit_once('@') {
        Some((asset, millis)) => millis.parse().map(|millis| (asset.to_owned(), Some(millis))),
        None => Ok((entry.clone(), None)),
    };
    let plan = plan.iter().map(segment).collect::<Result<Vec<_>, _>>()?;
    let plan: Vec<_> = plan
        .into_iter()
        .map(|(asset, duration_ms)| RenderSegment { asset, start_offset_ms: 0, duration_ms })
        .collect();
    let stats = render(&plan, Path::new(out), &RenderOptions::new(format), &mut |_| true)?;
    println!("{stats:#?}");
    Ok(())
}
