use super::*;

fn parsed(line: &str) -> Result<Command, FlagError> {
    Flags::parse(line.split_whitespace().map(OsString::from))
}

/// What a line that is understood asks for.
fn flags(line: &str) -> Flags {
    match parsed(line) {
        Ok(Command::Serve(flags)) => *flags,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    parsed(line).expect_err(line).to_string()
}

/// Without a word about it the control plane finds it where it finds the engine that it replaces.
#[test]
fn no_flags_mean_one_channel_on_loopback_port_50051_and_metrics_on_9308() {
    let expected =
        Flags { address: Some("127.0.0.1:50051".into()), metrics_port: Some(9308), ..Flags::default() };
    assert_eq!(flags(""), expected);
    assert_eq!(expected.max_channels, 1);
    assert_eq!(expected.engine().sink, SinkConfig::default());
}

#[test]
fn each_flag_sets_what_it_names() {
    let line = "--address 10.0.0.1:99 --uds /run/air.sock --metrics-port 1 --max-channels 64 --media-root /a
        --media-root /b --video-encoder null --preset ultrafast --video-bitrate 2000000 --gop-frames 50 --threads 2
        --video-option tune=film --video-option x264-params=a=b --audio-encoder null --audio-bitrate 96000
        --mux-rate 3000000 --mux-delay-ms 200 --service-name One --provider-name Two --log-format json
        --log-level debug --stdin --die-with-parent --control-surface-only";
    let sink = SinkConfig {
        video_encoder: "null".into(),
        preset: Some("ultrafast".into()),
        video_bitrate: Some(2_000_000),
        gop_frames: Some(50),
        threads: 2,
        video_options: vec![("tune".into(), "film".into()), ("x264-params".into(), "a=b".into())],
        audio_encoder: "null".into(),
        audio_bitrate: 96_000,
        mux_rate: Some(3_000_000),
        mux_delay_ms: Some(200),
        service_name: "One".into(),
        provider_name: "Two".into(),
    };
    let expected = Flags {
        address: Some("10.0.0.1:99".into()),
        uds: Some("/run/air.sock".into()),
        stdin: true,
        metrics_port: Some(1),
        max_channels: 64,
        media_roots: vec!["/a".into(), "/b".into()],
        sink,
        log_format: LogFormat::Json,
        log_level: Level::DEBUG,
        die_with_parent: true,
        ignored: Vec::new(),
    };
    assert_eq!(flags(line), expected);
    let untold = SECTIONS.iter().flat_map(|(_, flags)| *flags).filter(|flag| {
        !line.contains(flag.name) && !matches!(flag.does, Does::Ask(_)) && flag.name != "port"
    });
    assert_eq!(untold.map(|flag| flag.name).collect::<Vec<_>>(), Vec::<&str>::new(), "flags without a test");
}

#[test]
fn a_value_may_follow_an_equals_sign_and_the_last_of_a_flag_counts() {
    assert_eq!(flags("--port=7 --port 8").address.as_deref(), Some("127.0.0.1:8"));
    assert_eq!(flags("--port=7 -a [::1]:8").address.as_deref(), Some("[::1]:8"));
    assert_eq!(flags("-a=localhost:8").address.as_deref(), Some("localhost:8"));
    assert_eq!(flags("-alocalhost:8").address.as_deref(), Some("localhost:8"));
}

#[test]
fn a_unix_socket_replaces_tcp_unless_both_are_asked_for() {
    assert_eq!(flags("--uds /run/a").address, None);
    let both = flags("--uds /run/a --port 0");
    assert_eq!((both.address.as_deref(), both.uds), (Some("127.0.0.1:0"), Some("/run/a".into())));
}

#[test]
fn standard_input_replaces_tcp_and_metrics_unless_they_are_asked_for() {
    let alone = flags("--stdin");
    assert_eq!((alone.stdin, alone.address, alone.uds, alone.metrics_port), (true, None, None, None));
    let both = flags("--stdin --port 0 --metrics-port 0");
    assert_eq!((both.address.as_deref(), both.metrics_port), (Some("127.0.0.1:0"), Some(0)));
}

/// R-18 for `--control-surface-only`; the others are somebody else's.
#[test]
fn what_is_not_known_is_told_and_ignored_with_its_value() {
    let flags =
        flags("--frobnicate 7 --colour=red -x -y=3 -z5 --control-surface-only=yes word --port 1 -- --port 2");
    assert_eq!(flags.address.as_deref(), Some("127.0.0.1:1"));
    assert_eq!(flags.ignored, ["--frobnicate", "7", "--colour", "-x", "-y", "-z", "word", "--port", "2"]);
}

/// Each sentence names the flag, the value and the reason.
#[test]
fn a_value_that_makes_no_sense_is_refused_with_the_reason() {
    for (line, sentence) in [
        ("--port 65536", r#"--port "65536": number too large to fit in target type"#),
        ("--port -1", r#"--port "-1": invalid digit found in string"#),
        ("--port=", r#"--port "": cannot parse integer from empty string"#),
        ("-a 50051", r#"--address "50051": is not of the form HOST:PORT"#),
        ("-a :50051", r#"--address ":50051": is not of the form HOST:PORT"#),
        ("-a [::1]", r#"--address "[::1]": is not of the form HOST:PORT"#),
        ("-a host:99999", r#"--address "host:99999": is not of the form HOST:PORT"#),
        ("--uds=", r#"--uds "": is no path"#),
        ("--media-root=", r#"--media-root "": is no path"#),
        ("--metrics-port x", r#"--metrics-port "x": invalid digit found in string"#),
        ("--max-channels 0", r#"--max-channels "0": is not within 1 to 64"#),
        ("--max-channels 65", r#"--max-channels "65": is not within 1 to 64"#),
        ("--gop-frames 1.5", r#"--gop-frames "1.5": invalid digit found in string"#),
        ("--video-option tune", r#"--video-option "tune": is not of the form KEY=VALUE"#),
        ("--log-format xml", r#"--log-format "xml": is neither text nor json"#),
        ("--log-level loud", r#"--log-level "loud": is none of error, warn, info, debug and trace"#),
        ("--port", "missing argument for option '--port'"),
    ] {
        assert_eq!(refusal(line), sentence);
    }
}

#[test]
fn paths_are_any_bytes_and_words_are_utf_8() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    let Ok(Command::Serve(flags)) = Flags::parse([bytes(b"--uds"), bytes(b"/run/\xff")]) else {
        panic!("a path is refused");
    };
    assert_eq!(flags.uds, Some(bytes(b"/run/\xff").into()));
    let refused = Flags::parse([bytes(b"--service-name"), bytes(b"\xff")]).expect_err("no text");
    assert_eq!(refused.to_string(), "--service-name \"\u{fffd}\": is not UTF-8");
}

#[test]
fn help_and_version_come_before_everything_after_them() {
    assert!(matches!(parsed("--port 1 --help --port x"), Ok(Command::Help)));
    assert!(matches!(parsed("-h"), Ok(Command::Help)));
    assert!(matches!(parsed("--version"), Ok(Command::Version)));
}

#[test]
fn help_has_a_line_for_each_flag_that_fits_a_terminal() {
    let help = help();
    for flag in SECTIONS.iter().flat_map(|(_, flags)| *flags) {
        assert!(help.contains(&format!(" --{} ", flag.name)), "{}", flag.name);
    }
    let longest = help.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(140), "{longest:?} columns");
}
