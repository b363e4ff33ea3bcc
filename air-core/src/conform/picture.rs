//! Picture conforming: any size, shape, pixel format and colour becomes the house picture.
//!
//! The picture is turned upright, keeps its shape and is centred; what is left is black (L-35). A picture
//! already in house format passes untouched. Fields are not seen here: pictures are progressive by now.

use air_av::{Picture, PictureFormat, PixelFormat, Rational, Result, VideoGraph};

use super::color;
use super::geometry::{self, Presentation};
use crate::format::VideoFormat;

/// Conforms the pictures of one source; rebuilt by itself when the source changes format midway.
#[derive(Debug)]
pub struct PictureConform {
    house: VideoFormat,
    presentation: Presentation,
    graph: Option<(PictureFormat, VideoGraph)>,
    /// Whether the filters for wide colours have not failed yet: libav may be without them.
    has_wide_filters: bool,
}

impl PictureConform {
    /// Conforms to `house` what is to be shown like `presentation`.
    pub fn new(house: VideoFormat, presentation: Presentation) -> PictureConform {
        PictureConform { house, presentation, graph: None, has_wide_filters: true }
    }

    /// `picture` in house format; `None` if the filters gave nothing for it.
    pub fn conform(&mut self, picture: &Picture) -> Result<Option<Picture>> {
        let format = picture.format();
        if self.is_house(&format) {
            return Ok(Some(picture.clone()));
        }
        match self.filter(picture, &format) {
            Err(error) if self.has_wide_filters && color::is_wide(format.color) => {
                tracing::warn!(%error, "wide colours are shown as they come");
                self.has_wide_filters = false;
                self.graph = None;
                self.filter(picture, &format)
            }
            result => result,
        }
    }

    fn filter(&mut self, picture: &Picture, format: &PictureFormat) -> Result<Option<Picture>> {
        let mut graph = match self.graph.take() {
            Some((built_for, graph)) if built_for == *format => graph,
            _ => {
                // Linear light is several times the work of the rest, and may take all cores.
                let threads = if self.is_wide(format) { 0 } else { 1 };
                VideoGraph::new(format, Rational { num: 1, den: 1 }, &self.filters(format), threads)?
            }
        };
        graph.push(Some(picture))?;
        let conformed = graph.pull()?;
        self.graph = Some((format.clone(), graph));
        Ok(conformed)
    }

    fn is_house(&self, format: &PictureFormat) -> bool {
        (format.width, format.height) == (self.house.width, self.house.height)
            && format.pixel_format == PixelFormat::Yuv420p
            && self.presentation.is_upright()
            && geometry::is_square(&self.presentation.upright(format))
            && color::is_bt709(format)
    }

    fn is_wide(&self, format: &PictureFormat) -> bool {
        self.has_wide_filters && color::is_wide(format.color)
    }

    fn filters(&self, from: &PictureFormat) -> String {
        let (width, height) = (self.house.width, self.house.height);
        let (active_width, active_height) = geometry::fit(&self.presentation.upright(from), self.house);
        // Chroma is halved, so the picture can only lie on even lines and columns.
        let (left, top) = ((width - active_width) / 4 * 2, (height - active_height) / 4 * 2);
        let turn = self.presentation.filters();
        let convert = if self.is_wide(from) { color::wide_filters } else { color::filters };
        let convert = convert(from, active_width, active_height);
        format!("{turn}{convert},setsar=1,pad={width}:{height}:{left}:{top}:black")
    }
}

#[cfg(test)]
mod tests;
