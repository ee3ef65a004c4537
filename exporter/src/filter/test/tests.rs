use std::borrow::Cow;

use super::*;

fn test(form: Form, written: &[&str]) -> Result<Test, String> {
    let written: Vec<_> = written.iter().map(|value| (*value).to_owned()).collect();
    Test::parse(form, &written).map_err(|(value, expected)| format!("`{value}`: {expected}"))
}

/// Those of some values that pass.
fn passing<T: Copy>(form: Form, written: &[&str], values: &[T], value: impl Fn(T) -> Option<Value<'static>>) -> Vec<T> {
    let test = test(form, written).expect("valid");
    values.iter().copied().filter(|given| test.holds(value(*given).as_ref())).collect()
}

fn texts(written: &[&str], values: &[&'static str]) -> Vec<&'static str> {
    passing(Form::Text, written, values, Value::text)
}

#[test]
fn texts_pass() {
    let all = ["", "sh", "bash", "a*b", "!x", "~x", "a\nb"];
    for (written, expected) in [
        (&["sh"][..], &["sh"][..]),
        (&["*sh"], &["sh", "bash"]),
        (&["b??h"], &["bash"]),
        (&["sh", "bash"], &["sh", "bash"]),
        (&["a*b"], &["a*b", "a\nb"]),
        (&[r"a\*b"], &["a*b"]),
        (&[r"\!x", r"\~x"], &["!x", "~x"]),
        (&["~^(ba)?sh$"], &["sh", "bash"]),
        (&["~X"], &[]),
        (&["~(?i)X"], &["!x", "~x"]),
        (&[""], &[""]),
        (&["!"], &["sh", "bash", "a*b", "!x", "~x", "a\nb"]),
        (&["!*sh", "!?x"], &["", "a*b", "a\nb"]),
        (&["*sh", "!bash"], &["sh"]),
        (&["!~x$", "!"], &["sh", "bash", "a*b", "a\nb"]),
    ] {
        assert_eq!(texts(written, &all), expected, "{written:?}");
    }
}

#[test]
fn one_of_several_texts_is_enough() {
    let test = |written: &[&str]| {
        let values = ["-p", "secret"].map(str::to_owned);
        test(Form::Texts, written).expect("valid").holds(Some(&Value::Texts(Cow::Borrowed(&values))))
    };
    assert_eq!(
        [&["-p"][..], &["s*"], &["x"], &["!x"], &["!-p"], &["-p", "!secret"]].map(test),
        [true, true, false, true, false, false]
    );
}

#[test]
fn what_only_the_event_tells_passes() {
    let all = [
        Value::Number(7),
        Value::Text("7".into()),
        Value::Text("10.0.0.7".into()),
        Value::Text("/etc/hosts".into()),
        Value::Flag(true),
    ];
    for (written, expected) in [
        (&["7"][..], &[0, 1][..]),
        (&[">=7"], &[0]),
        (&["10.0.0.0/8"], &[2]),
        (&["/etc/*"], &[3]),
        (&["true"], &[4]),
        (&["!7", "!true"], &[2, 3]),
        (&[""], &[]),
    ] {
        let test = test(Form::Any, written).expect("valid");
        let passing: Vec<_> = (0..all.len()).filter(|place| test.holds(Some(&all[*place]))).collect();
        assert_eq!(passing, expected, "{written:?}");
        // Of pairs, one is enough.
        let names = ["a", "b", "c", "d", "e"];
        let alternatives = written.iter().all(|value| !value.starts_with('!'));
        let pairs = Value::Pairs(names.into_iter().zip(all.clone()).collect());
        assert_eq!(test.holds(Some(&pairs)), alternatives && !expected.is_empty(), "{written:?}");
    }
    assert!(test(Form::Any, &[""]).expect("valid").holds(None));
    assert!(test(Form::Any, &["~("]).is_err());
}

#[test]
fn numbers_pass() {
    const FIRST: i128 = i64::MIN as i128;
    const LAST: i128 = u64::MAX as i128;
    let all = [FIRST, -1, 0, 1, 6, 7, 1023, 1024, LAST];
    for (written, expected) in [
        (&["7"][..], &[7][..]),
        (&["-1", "0x400"], &[-1, 1024]),
        (&["1..1023"], &[1, 6, 7, 1023]),
        (&[">=1024"], &[1024, LAST]),
        (&["> 1024"], &[LAST]),
        (&["0xffffffffffffffff"], &[LAST]),
        (&["<0"], &[FIRST, -1]),
        (&["<=-1"], &[FIRST, -1]),
        (&["&0x6"], &[-1, 6, 7, 1023, LAST]),
        (&["!0..1023", "!<0"], &[1024, LAST]),
        (&["0..7", "!1..6"], &[0, 7]),
    ] {
        assert_eq!(passing(Form::Number, written, &all, Value::number), expected, "{written:?}");
    }
    assert_eq!(
        passing(Form::Number, &["", "0"], &[Some(0), Some(1), None], |number: Option<i32>| number
            .and_then(Value::number)),
        [Some(0), None]
    );
}

#[test]
fn decimals_pass() {
    let all = [-0.5, 0.0, 0.5, 1.0, 2.0];
    for (written, expected) in [("0.5", &[0.5][..]), ("0..1", &[0.0, 0.5, 1.0]), (">1", &[2.0]), ("<=0", &[-0.5, 0.0])]
    {
        let value = |number| Some(Value::Decimal(number));
        assert_eq!(passing(Form::Decimal, &[written], &all, value), expected, "{written}");
    }
}

#[test]
fn addresses_pass() {
    let all = ["10.1.2.3", "192.168.0.1", "::1", "fe80::1", "::ffff:10.1.2.3"];
    for (written, expected) in [
        (&["10.0.0.0/8"][..], &["10.1.2.3"][..]),
        (&["::1", "192.168.0.1"], &["192.168.0.1", "::1"]),
        (&["fe80::/10"], &["fe80::1"]),
        (&["!0.0.0.0/0"], &["::1", "fe80::1", "::ffff:10.1.2.3"]),
    ] {
        assert_eq!(passing(Form::Address, written, &all, Value::text), expected, "{written:?}");
    }
}

#[test]
fn names_pass() {
    let all = ["SIGKILL", "SIGTERM", "SIGRTMIN", "SIGRTMIN+1"];
    for (written, expected) in [
        (&["SIGKILL"][..], &["SIGKILL"][..]),
        (&["KILL", "15"], &["SIGKILL", "SIGTERM"]),
        (&["SIGRT*"], &["SIGRTMIN", "SIGRTMIN+1"]),
        (&["!~^SIGRT"], &["SIGKILL", "SIGTERM"]),
    ] {
        assert_eq!(passing(Form::Signal, written, &all, Value::text), expected, "{written:?}");
    }
    assert_eq!(passing(Form::Signal, &["KILL"], &[9, 15], Value::number), [9]);
    let names = Form::Names(|| vec!["established", "close_wait", "closed"]);
    assert_eq!(
        passing(names, &["close*"], &["closed", "close_wait", "established"], Value::text),
        ["closed", "close_wait"]
    );
    assert_eq!(passing(Form::Flag, &["true"], &[true, false], |flag| Some(Value::Flag(flag))), [true]);
}

#[test]
fn values_are_refused() {
    const NUMBER: &str = "a number such as `7` or `0x1f`, a range such as `1..1023`, `<10`, `<=10`, `>10` or `>=10`, \
        or `&` and bits that must be set, such as `&0x6`";
    const DECIMAL: &str = "a number such as `0.5`, a range such as `0.5..2`, `<1`, `<=1`, `>1` or `>=1`";
    const ADDRESS: &str = "an address such as `10.0.0.1` or `fe80::1`, or a network such as `10.0.0.0/8`";
    let names = Form::Names(|| vec!["established", "closed"]);
    for (form, written, expected) in [
        (Form::Text, "~(", "a regular expression behind `~`: unclosed group"),
        (
            Form::Text,
            "~a{1000}{1000}",
            "a regular expression behind `~`: Compiled regex exceeds size limit of 1048576 bytes.",
        ),
        (Form::Number, "root", NUMBER),
        (Form::Number, "7..1", NUMBER),
        (Form::Number, ">18446744073709551615", NUMBER),
        (Form::Number, "0x10000000000000000", NUMBER),
        (Form::Number, "-9223372036854775809", NUMBER),
        (Form::Number, "1.5", NUMBER),
        (Form::Number, "&x", NUMBER),
        (Form::Decimal, "NaN", DECIMAL),
        (Form::Decimal, "1..x", DECIMAL),
        (Form::Flag, "yes", "`true` or `false`"),
        (Form::Address, "10.0.0.0/33", ADDRESS),
        (Form::Address, "example.org", ADDRESS),
        (
            Form::Signal,
            "SIGKIL",
            "a signal's number or a name such as `SIGKILL`, `SIGILL`, `SIGIO`, `SIGQUIT`, `SIGPIPE`",
        ),
        (Form::Signal, "65", "a signal's number or a name such as"),
        (names, "open", "one of `established`, `closed`"),
    ] {
        let refused = test(form, &[written]).expect_err(written);
        assert!(refused.starts_with(&format!("`{written}`: {expected}")), "{refused}");
    }
}

#[test]
fn ranges_of_tests() {
    for (written, expected) in [
        (&["7"][..], (7..=7, true)),
        (&["1..1023"], (1..=1023, true)),
        (&[">=1024"], (1024..=65535, true)),
        (&["80", "443"], (80..=443, false)),
        (&["!0"], (1..=65535, true)),
        (&["!>=1024", "!0"], (1..=1023, true)),
        (&["!80"], (0..=65535, false)),
        (&["1..1023", "!2000"], (1..=1023, true)),
        (&["&1"], (0..=65535, false)),
        (&[""], (0..=65535, false)),
        (&["70000", "80"], (80..=65535, false)),
    ] {
        assert_eq!(test(Form::Number, written).expect("valid").range(0..=65535), expected, "{written:?}");
    }
}
