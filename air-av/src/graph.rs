//! libavfilter graphs with one input and one output: frames in, frames out.
//!
//! What the filters are is the caller's to say, in libavfilter's own language. A graph is built for one input
//! format; when that changes, drain it and build another.

use std::ffi::{CStr, CString, c_int};
use std::ptr::{NonNull, null, null_mut};

use ffmpeg_sys_next as ff;

use crate::codec::thread_count;
use crate::error::{Error, Result, Step, allocated, check, step};
use crate::frame::Frame;
use crate::samples::ChannelLayout;
use crate::{Picture, PictureFormat, Rational, Samples, SamplesFormat};

/// A chain of video filters.
#[derive(Debug)]
pub struct VideoGraph {
    graph: Graph,
    input: PictureFormat,
}

impl VideoGraph {
    /// Builds a graph for pictures of that format, with timestamps in `time_base`. `filters` is libavfilter's
    /// description, such as `scale=1280:720,format=yuv420p`; `threads` per filter, 0 for one per core.
    ///
    /// # Errors
    /// When the description does not parse, names an unknown filter, or the filters cannot agree.
    pub fn new(input: &PictureFormat, time_base: Rational, filters: &str, threads: u32) -> Result<Self> {
        let source = Unlinked::new(c"buffer", threads)?;
        let size =
            |value: u32| c_int::try_from(value).map_err(|_| Error::invalid("size", value, "too large"));
        source.configure(time_base, |parameters| {
            parameters.format = input.pixel_format.to_av();
            parameters.width = size(input.width)?;
            parameters.height = size(input.height)?;
            parameters.sample_aspect_ratio = input.sample_aspect_ratio.into();
            Ok(())
        })?;
        source.label_color(input);
        Ok(Self { graph: source.complete(filters, c"buffersink")?, input: input.clone() })
    }

    /// Offers a picture, or with `None` the end, after which the graph only gives what it still holds.
    ///
    /// # Errors
    /// [`Error::FormatChanged`] for a picture of another format; a filter's failure.
    pub fn push(&mut self, picture: Option<&Picture>) -> Result<()> {
        let Some(picture) = picture else { return self.graph.push(None) };
        let got = picture.format();
        if got != self.input {
            let expected = self.input.to_string();
            return Err(Error::FormatChanged { expected, got: got.to_string() });
        }
        self.graph.push(Some(picture.to_frame()?))
    }

    /// The next picture, in [`time_base`](Self::time_base); `None` when the graph wants more, or is at its end.
    ///
    /// # Errors
    /// A filter's failure.
    pub fn pull(&mut self) -> Result<Option<Picture>> {
        self.graph.pull()?.map(Picture::from_frame).transpose()
    }

    /// Seconds per unit of the timestamps that come out.
    pub fn time_base(&self) -> Rational {
        self.graph.time_base()
    }
}

/// A chain of audio filters.
#[derive(Debug)]
pub struct AudioGraph {
    graph: Graph,
    input: SamplesFormat,
}

impl AudioGraph {
    /// Builds a graph for samples of that format, with timestamps in `time_base`. `filters` is libavfilter's
    /// description, such as `aresample=48000,aformat=sample_fmts=s16:channel_layouts=stereo`.
    ///
    /// # Errors
    /// As for [`VideoGraph::new`].
    pub fn new(input: &SamplesFormat, time_base: Rational, filters: &str) -> Result<Self> {
        let source = Unlinked::new(c"abuffer", 1)?;
        let layout = ChannelLayout::named(&input.layout)?;
        let rate =
            c_int::try_from(input.rate).map_err(|_| Error::invalid("rate", input.rate, "too large"))?;
        source.configure(time_base, |parameters| {
            parameters.format = input.sample_format.0;
            parameters.sample_rate = rate;
            // SAFETY: the parameters were zeroed by libav, a valid layout.
            unsafe { layout.copy_to(&raw mut parameters.ch_layout) }
        })?;
        Ok(Self { graph: source.complete(filters, c"abuffersink")?, input: input.clone() })
    }

    /// Offers samples, or with `None` the end, after which the graph only gives what it still holds.
    ///
    /// # Errors
    /// [`Error::FormatChanged`] for samples of another format; a filter's failure.
    pub fn push(&mut self, samples: Option<&Samples>) -> Result<()> {
        let Some(samples) = samples else { return self.graph.push(None) };
        let got = samples.format();
        if got != self.input {
            let expected = self.input.to_string();
            return Err(Error::FormatChanged { expected, got: got.to_string() });
        }
        self.graph.push(Some(samples.to_frame()?))
    }

    /// The next samples, in [`time_base`](Self::time_base); `None` when the graph wants more, or is at its end.
    ///
    /// # Errors
    /// A filter's failure.
    pub fn pull(&mut self) -> Result<Option<Samples>> {
        self.graph.pull()?.map(Samples::from_frame).transpose()
    }

    /// Seconds per unit of the timestamps that come out.
    pub fn time_base(&self) -> Rational {
        self.graph.time_base()
    }
}

/// The owner of a complete `AVFilterGraph`.
#[derive(Debug)]
struct Graph {
    /// Owns the other two.
    _graph: Owned,
    source: NonNull<ff::AVFilterContext>,
    sink: NonNull<ff::AVFilterContext>,
}

// SAFETY: a filter graph may be used from any thread, one at a time; source and sink are parts of it. Not Sync.
unsafe impl Send for Graph {}

impl Graph {
    fn push(&mut self, mut frame: Option<Frame>) -> Result<()> {
        let frame = frame.as_mut().map_or(null_mut(), Frame::as_mut_ptr);
        // SAFETY: the source is part of the graph; it takes the references out of the frame, and null as the end.
        let code = unsafe { ff::av_buffersrc_add_frame_flags(self.source.as_ptr(), frame, 0) };
        check("av_buffersrc_add_frame_flags", code).map(drop)
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        let mut frame = Frame::new();
        // SAFETY: the sink is part of the graph and the frame is blank.
        let code = unsafe { ff::av_buffersink_get_frame(self.sink.as_ptr(), frame.as_mut_ptr()) };
        Ok(matches!(step("av_buffersink_get_frame", code)?, Step::Done(_)).then_some(frame))
    }

    fn time_base(&self) -> Rational {
        // SAFETY: the sink is part of a configured graph.
        unsafe { ff::av_buffersink_get_time_base(self.sink.as_ptr()) }.into()
    }
}

/// A graph that has its source but not its filters yet.
struct Unlinked {
    graph: Owned,
    source: NonNull<ff::AVFilterContext>,
}

impl Unlinked {
    fn new(kind: &CStr, threads: u32) -> Result<Self> {
        // SAFETY: no precondition.
        let graph = Owned(allocated(unsafe { ff::avfilter_graph_alloc() }));
        // SAFETY: the graph is ours and has no filter yet, which is when threads may be set.
        unsafe { (*graph.0.as_ptr()).nb_threads = thread_count(threads) };
        let source = graph.add(kind, c"in")?;
        Ok(Self { graph, source })
    }

    fn configure(
        &self,
        time_base: Rational,
        describe: impl FnOnce(&mut ff::AVBufferSrcParameters) -> Result<()>,
    ) -> Result<()> {
        // SAFETY: no precondition; the struct comes zeroed but for its "unset" marks.
        let parameters = SourceParameters(allocated(unsafe { ff::av_buffersrc_parameters_alloc() }));
        // SAFETY: the allocation is valid and ours alone; all its fields are numbers and pointers.
        let fields = unsafe { &mut *parameters.0.as_ptr() };
        fields.time_base = time_base.into();
        describe(fields)?;
        // SAFETY: the source is a buffer source that is not initialised yet, as the function asks; it copies.
        let code = unsafe { ff::av_buffersrc_parameters_set(self.source.as_ptr(), fields) };
        check("av_buffersrc_parameters_set", code).map(drop)
    }

    /// From FFmpeg 7 the source wants the colours said; before, it has no such options, which is no failure.
    fn label_color(&self, input: &PictureFormat) {
        let labels =
            [(c"colorspace", i64::from(input.color.matrix)), (c"range", i64::from(input.color.av_range()))];
        for (name, value) in labels {
            // SAFETY: a filter context begins with its AVClass, as av_opt_set asks; the source is not
            // initialised yet.
            unsafe {
                let target = self.source.as_ptr().cast();
                ff::av_opt_set_int(target, name.as_ptr(), value, ff::AV_OPT_SEARCH_CHILDREN);
            }
        }
    }

    fn complete(self, filters: &str, sink: &CStr) -> Result<Graph> {
        initialise(self.source)?;
        let sink = self.graph.add(sink, c"out")?;
        initialise(sink)?;
        let text = CString::new(filters).map_err(|_| Error::invalid("filters", filters, "contains NUL"))?;
        // libav names the ends from the described chain's side: its input is our source's output.
        let (mut inputs, mut outputs) = (end(c"out", sink), end(c"in", self.source));
        let graph = self.graph.0.as_ptr();
        // SAFETY: graph and ends are valid and the text terminated; the function leaves in the two lists what it
        // did not link, which avfilter_inout_free frees, null included.
        let code = unsafe {
            let (ins, outs) = (&raw mut inputs, &raw mut outputs);
            let code = ff::avfilter_graph_parse_ptr(graph, text.as_ptr(), ins, outs, null_mut());
            ff::avfilter_inout_free(ins);
            ff::avfilter_inout_free(outs);
            code
        };
        check("avfilter_graph_parse_ptr", code).map_err(|error| Error::invalid("filters", filters, error))?;
        // SAFETY: the graph is valid; a chain that left an end open is found here.
        let code = unsafe { ff::avfilter_graph_config(graph, null_mut()) };
        check("avfilter_graph_config", code).map_err(|error| Error::invalid("filters", filters, error))?;
        Ok(Graph { _graph: self.graph, source: self.source, sink })
    }
}

/// The owner of an `AVFilterGraph` and all filters in it.
#[derive(Debug)]
struct Owned(NonNull<ff::AVFilterGraph>);

impl Owned {
    fn add(&self, kind: &CStr, name: &CStr) -> Result<NonNull<ff::AVFilterContext>> {
        // SAFETY: the kind is a terminated name, the graph valid; an unknown kind is null, which is handled.
        let filter = unsafe {
            let kind = ff::avfilter_get_by_name(kind.as_ptr());
            if kind.is_null() {
                return Err(Error::unsupported("libavfilter without its buffer filters"));
            }
            ff::avfilter_graph_alloc_filter(self.0.as_ptr(), kind, name.as_ptr())
        };
        Ok(allocated(filter))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let mut graph = self.0.as_ptr();
        // SAFETY: the graph came from avfilter_graph_alloc and is freed once, with its filters.
        unsafe { ff::avfilter_graph_free(&raw mut graph) }
    }
}

/// The owner of the parameters of a buffer source.
struct SourceParameters(NonNull<ff::AVBufferSrcParameters>);

impl Drop for SourceParameters {
    fn drop(&mut self) {
        // SAFETY: av_buffersrc_parameters_alloc asks for av_free; the layout may own memory besides.
        unsafe {
            ff::av_channel_layout_uninit(&raw mut (*self.0.as_ptr()).ch_layout);
            ff::av_free(self.0.as_ptr().cast());
        }
    }
}

fn initialise(filter: NonNull<ff::AVFilterContext>) -> Result<()> {
    // SAFETY: the filter is part of a graph and not initialised yet.
    check("avfilter_init_str", unsafe { ff::avfilter_init_str(filter.as_ptr(), null()) }).map(drop)
}

/// One open end of a chain, for the parser.
fn end(name: &CStr, filter: NonNull<ff::AVFilterContext>) -> *mut ff::AVFilterInOut {
    // SAFETY: the allocation is ours; the name is copied, since avfilter_inout_free frees it.
    unsafe {
        let end = allocated(ff::avfilter_inout_alloc()).as_ptr();
        (*end).name = allocated(ff::av_strdup(name.as_ptr())).as_ptr();
        (*end).filter_ctx = filter.as_ptr();
        (*end).pad_idx = 0;
        (*end).next = null_mut();
        end
    }
}
