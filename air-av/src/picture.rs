//! Uncompressed pictures: shared and immutable once made, writable only while being made.

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use ffmpeg_sys_next as ff;

use crate::error::{Error, Result};
use crate::frame::{Fields, Frame};
use crate::{Color, FieldOrder, Rational};

mod format;
pub use format::{PictureFormat, PixelFormat};

/// A decoded, filtered or drawn picture.
///
/// Immutable and reference-counted: a clone costs a count, may live on any thread, and shares the samples.
#[derive(Clone)]
pub struct Picture {
    frame: Arc<Frame>,
    pts: Option<i64>,
}

impl Picture {
    /// Takes a frame of video from libav, refusing what the rest of this crate could not read safely.
    pub(crate) fn from_frame(frame: Frame) -> Result<Self> {
        validate(&frame)?;
        let pts = frame.fields().timestamp();
        Ok(Self { frame: Arc::new(frame), pts })
    }

    /// A frame of libav's on the same samples, with this picture's timestamp.
    pub(crate) fn to_frame(&self) -> Result<Frame> {
        let mut frame = self.frame.share()?;
        frame.set_pts(self.pts);
        Ok(frame)
    }

    /// Width in pixels, above zero.
    pub fn width(&self) -> u32 {
        self.frame.fields().width.unsigned_abs()
    }

    /// Height in lines, above zero.
    pub fn height(&self) -> u32 {
        self.frame.fields().height.unsigned_abs()
    }

    /// The layout of the samples.
    pub fn pixel_format(&self) -> PixelFormat {
        PixelFormat::from_av(self.frame.fields().format)
    }

    /// When to show: the decoder's best estimate in the stream's time base, or a graph's in the graph's.
    pub fn pts(&self) -> Option<i64> {
        self.pts
    }

    /// The same picture at another time. Copies nothing.
    #[must_use]
    pub fn with_pts(self, pts: i64) -> Self {
        Self { pts: Some(pts), ..self }
    }

    /// How long it is shown, in the unit of [`pts`](Self::pts); 0 when unknown.
    pub fn duration(&self) -> i64 {
        self.frame.fields().duration
    }

    /// Shape of a pixel, `0/1` when unknown.
    pub fn sample_aspect_ratio(&self) -> Rational {
        Rational::from(self.frame.fields().sample_aspect_ratio).positive().unwrap_or(Rational::new(0, 1))
    }

    /// How the samples mean colours.
    pub fn color(&self) -> Color {
        self.frame.fields().color
    }

    /// Whether the two fields were taken at different times.
    pub fn is_interlaced(&self) -> bool {
        self.frame.fields().is_interlaced
    }

    /// For an interlaced picture, whether the field with the first line comes first.
    pub fn top_field_first(&self) -> bool {
        self.frame.fields().top_field_first
    }

    /// Whether it was coded without reference to others.
    pub fn is_key(&self) -> bool {
        self.frame.fields().is_key
    }

    /// Whether the decoder met damage in it.
    pub fn is_corrupt(&self) -> bool {
        self.frame.fields().is_corrupt
    }

    /// What a [`VideoGraph`](crate::VideoGraph) needs to know to take this picture.
    pub fn format(&self) -> PictureFormat {
        PictureFormat {
            width: self.width(),
            height: self.height(),
            pixel_format: self.pixel_format(),
            sample_aspect_ratio: self.sample_aspect_ratio(),
            color: self.color(),
        }
    }

    /// The samples of a plane. Empty if there is no such plane, or if its lines are stored bottom-up.
    pub fn plane(&self, index: usize) -> Plane<'_> {
        let Some(Span { start, len, stride, rows }) = span(&self.frame, index) else {
            return Plane { data: &[], stride: 0, rows: 0 };
        };
        // SAFETY: the span lies in a buffer the frame keeps alive; pictures are never written to once made.
        let data = unsafe { std::slice::from_raw_parts(start.as_ptr(), len) };
        Plane { data, stride, rows }
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("format", &self.format()).field("pts", &self.pts).finish()
    }
}

/// The samples of one component, or of several interleaved.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// From the first sample of the first line to the last of the last.
    pub data: &'a [u8],
    /// Bytes from one line to the next.
    pub stride: usize,
    /// Number of lines.
    pub rows: usize,
}

/// The samples of one plane of a picture being drawn.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    /// From the first sample of the first line to the last of the last.
    pub data: &'a mut [u8],
    /// Bytes from one line to the next.
    pub stride: usize,
    /// Number of lines.
    pub rows: usize,
}

/// A picture being drawn: square pixels, no timestamp, samples zero until written.
#[derive(Debug)]
pub struct PictureMut(Frame);

impl PictureMut {
    /// A new picture with its own buffers.
    ///
    /// # Errors
    /// When libav refuses the size or does not know the format.
    pub fn new(width: u32, height: u32, pixel_format: PixelFormat) -> Result<Self> {
        let size = |value: u32| i32::try_from(value).map_err(|_| Error::invalid("size", value, "too large"));
        let (width, height) = (size(width)?, size(height)?);
        let mut frame = Frame::new();
        // SAFETY: the frame is fresh and ours; libav checks these values when it allocates.
        unsafe {
            let frame = frame.as_mut_ptr();
            (*frame).width = width;
            (*frame).height = height;
            (*frame).format = pixel_format.to_av();
            (*frame).sample_aspect_ratio = ff::AVRational { num: 1, den: 1 };
        }
        frame.allocate()?;
        validate(&frame)?;
        let mut picture = Self(frame);
        for index in 0..pixel_format.planes() {
            picture.plane_mut(index).data.fill(0);
        }
        Ok(picture)
    }

    /// Labels the colours; [`Color::UNSPECIFIED`] otherwise.
    pub fn set_color(&mut self, color: Color) {
        self.0.set_color(color);
    }

    /// Sets the shape of a pixel; square otherwise.
    pub fn set_sample_aspect_ratio(&mut self, ratio: Rational) {
        self.0.set_sample_aspect_ratio(ratio);
    }

    /// Says which of its fields was taken first; [`FieldOrder::Unknown`], as otherwise, is read as progressive.
    pub fn set_field_order(&mut self, order: FieldOrder) {
        self.0.set_field_order(order);
    }

    /// The samples of a plane, to write; empty if there is no such plane.
    pub fn plane_mut(&mut self, index: usize) -> PlaneMut<'_> {
        let Some(Span { start, len, stride, rows }) = span(&self.0, index) else {
            return PlaneMut { data: &mut [], stride: 0, rows: 0 };
        };
        // SAFETY: the span lies in the frame's buffer, which was allocated for this frame alone and is not shared
        // before `freeze`; `&mut self` admits one borrower at a time.
        let data = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) };
        PlaneMut { data, stride, rows }
    }

    /// Ends the drawing: the picture can be shared from here on.
    pub fn freeze(self) -> Picture {
        Picture { frame: Arc::new(self.0), pts: None }
    }
}

fn validate(frame: &Frame) -> Result<()> {
    let Fields { width, height, format, .. } = frame.fields();
    let pixel_format = PixelFormat::from_av(format);
    let planes = pixel_format.planes();
    if width <= 0 || height <= 0 || planes == 0 {
        return Err(Error::unsupported(format!("picture of {width}x{height} {pixel_format}")));
    }
    match (0..planes).find(|&plane| frame.bytes(plane, 1).is_none()) {
        Some(plane) => Err(Error::unsupported(format!("picture without plane {plane}"))),
        None => Ok(()),
    }
}

/// The bytes of a plane, from the first sample of the first line to the last of the last.
struct Span {
    start: NonNull<u8>,
    len: usize,
    stride: usize,
    rows: usize,
}

/// Where a plane lies: within one buffer of the frame, or nowhere. Rests on the frame's own numbers, so that no
/// disagreement between them and the buffer gets past here.
fn span(frame: &Frame, plane: usize) -> Option<Span> {
    let fields = frame.fields();
    let (width, height) = (fields.width.unsigned_abs(), fields.height.unsigned_abs());
    let (row_bytes, rows) = PixelFormat::from_av(fields.format).plane_shape(plane, width, height)?;
    let stride = fields.stride(plane).filter(|&stride| stride >= row_bytes)?;
    let len = stride * rows.checked_sub(1)? + row_bytes;
    Some(Span { start: frame.bytes(plane, len)?, len, stride, rows })
}
