//! Texts made to be slow or deep: beyond the bounds they are refused at once on a small stack,
//! within them they are decided on an ordinary one.

use dataspace_policy::bounds::{
    BoundError, COST_MAX, ELEMENTS_MAX, TEXT_LEN_MAX, UNCOMPILED_COST, WORD_LEN_MAX,
};
use dataspace_policy::{Layer, Policies, Program, policies::InvalidPolicies};

use crate::support::{Told as _, facts, permit_when};

fn on_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(bytes).spawn(run).unwrap().join().unwrap()
}

/// Refused by a bound, in a thread with little stack. How quickly, the bench `policy_evaluation`
/// shows.
fn bound(text: &str) -> BoundError {
    let text = text.to_owned();
    on_stack(512 << 10, move || match Policies::parse(&text, Layer::Contract).unwrap_err() {
        InvalidPolicies::Bounds(error) => error,
        other => panic!("{other}"),
    })
}

#[test]
fn a_text_one_byte_too_long_is_refused() {
    let text = permit_when("true");
    let longest = format!("{text}{}", " ".repeat(TEXT_LEN_MAX - text.len()));
    assert!(Policies::parse(&longest, Layer::Contract).is_ok());
    let len = TEXT_LEN_MAX + 1;
    assert_eq!(bound(&format!("{longest} ")), BoundError::Length { len });
    assert!(matches!(bound(&"a".repeat(64 << 20)), BoundError::Length { .. }));
}

#[test]
fn deep_brackets_of_every_kind_are_refused() {
    for bracket in ["(", "[", "{", "{a:", "([{", "!(", "-(", "[[", "principal.a(("] {
        let deep = bracket.repeat(16_000 / bracket.len());
        assert!(matches!(bound(&permit_when(&deep)), BoundError::Depth { .. }), "{bracket}");
    }
    assert_eq!(bound(&"[".repeat(TEXT_LEN_MAX)), BoundError::Depth { line: 1 });
}

#[test]
fn closing_brackets_buy_no_depth() {
    let text = format!("{}{}", ")".repeat(5_000), "(".repeat(25));
    assert_eq!(bound(&text), BoundError::Depth { line: 1 });
}

#[test]
fn long_chains_of_operators_are_refused() {
    for link in [
        "!",
        "-",
        ".a",
        "&&true",
        "||true",
        "+1",
        "*1",
        "==1",
        "[1]",
        "[\"a\"]",
        "()",
        "::a",
        " in a",
        " has a",
        " is A",
        " like \"\"",
    ] {
        let chain = format!("true{}", link.repeat(10_000 / link.len()));
        let error = bound(&permit_when(&chain));
        assert!(matches!(error, BoundError::Complexity { .. }), "{link}: {error}");
    }
    assert!(matches!(
        bound(&permit_when(&format!("{}true", "!".repeat(10_000)))),
        BoundError::Complexity { .. }
    ));
}

#[test]
fn words_that_touch_a_number_count_too() {
    let text = permit_when(&format!("1{}", " in 1".repeat(400).replace("1 ", "1")));
    assert!(matches!(bound(&text), BoundError::Complexity { .. }));
}

#[test]
fn nested_conditionals_are_refused() {
    let nested = format!("{}true", "if true then true else ".repeat(17));
    assert!(matches!(bound(&permit_when(&nested)), BoundError::Complexity { .. }));
}

#[test]
fn too_many_policies_are_refused() {
    let text = "@id(\"a\")permit(principal,action,resource);\n".repeat(200);
    assert_eq!(bound(&text), BoundError::Policies);
    assert_eq!(bound(&";".repeat(200)), BoundError::Policies);
}

#[test]
fn large_sets_and_records_are_refused_the_deeper_the_sooner() {
    let set = |items: usize| permit_when(&format!("[{}].contains(1)", vec!["1"; items].join(",")));
    assert!(Policies::parse(&set(ELEMENTS_MAX - 2), Layer::Contract).is_ok());
    assert_eq!(bound(&set(ELEMENTS_MAX + 10)), BoundError::Elements { line: 1 });
    let nested = |inner: &str, items: usize| {
        let items = vec![inner; items].join(",");
        permit_when(&format!("[{items}].contains({inner})"))
    };
    assert_eq!(bound(&nested("[[[1]]]", 100).repeat(6)), BoundError::Work { line: 1 });
    assert_eq!(bound(&nested("{a:{b:1}}", 60).repeat(20)), BoundError::Work { line: 1 });
    // Where the conditions speak of actions, Cedar looks at them once for each.
    let of_actions = |items: usize| set(items).replace("when {", "when { action == action &&");
    assert!(Policies::parse(&of_actions(200), Layer::Contract).is_ok());
    assert_eq!(bound(&of_actions(500)), BoundError::Work { line: 1 });
    let last = set(500).replace("};", "&& action == action };");
    assert_eq!(bound(&last), BoundError::Work { line: 1 });
}

#[test]
fn functions_that_do_not_exist_are_refused_by_name() {
    for call in ["foo(1)", "foo (1)", "1.foo(1)", "true && foo // a\n (1)", "[1].Contains(1)"] {
        let error = Policies::parse(&permit_when(call), Layer::Contract).unwrap_err();
        let InvalidPolicies::Syntax { message } = error else { panic!("{call}") };
        assert!(message.contains(": there is no function or method `"), "{message}");
    }
    let known = [
        "if (true) then (true) else (true)",
        "principal in (principal)",
        "[1].contains (1) && [1].containsAll([1]) && ![1].isEmpty()",
        "decimal(\"1.0\").lessThan(decimal(\"2.0\"))",
        "context.now.offset(duration(\"1d\")).toDate().toTime().toDays() < 3",
        "ip(\"::1\").isInRange(ip(\"::1\")) || ip(\"::1\").isIpv4()",
        "\"foo(1)\" == context.purpose // foo(1)\n",
    ];
    for condition in known {
        Policies::parse(&permit_when(condition), Layer::Contract).unwrap();
    }
}

#[test]
fn long_words_are_refused() {
    let text = |len: usize| permit_when(&format!("context.{} == 1", "a".repeat(len)));
    assert_eq!(bound(&text(WORD_LEN_MAX + 1)), BoundError::Word { line: 1 });
    let known = Policies::parse(&text(WORD_LEN_MAX), Layer::Contract);
    assert!(matches!(known, Err(InvalidPolicies::Schema { .. })));
}

#[test]
fn long_strings_are_refused_because_like_is_quadratic() {
    let (text, pattern) = ("a".repeat(21_000), "a".repeat(10_000));
    let slow = permit_when(&format!("\"{text}\" like \"*{pattern}b\""));
    assert_eq!(bound(&slow), BoundError::String { line: 1 });
    assert_eq!(
        bound(&permit_when(&format!("\"{}", "\\".repeat(9_999)))),
        BoundError::String { line: 1 }
    );
}

#[test]
fn an_unterminated_string_hides_nothing() {
    for tail in ["\"", "\"\\", "\"\\\"", "\"\\\n", "\"\n"] {
        let text = permit_when(&format!("{tail}{}", "(".repeat(400)));
        let error =
            on_stack(512 << 10, move || Policies::parse(&text, Layer::Contract).unwrap_err());
        assert!(matches!(error, InvalidPolicies::Syntax { .. }), "{tail:?}: {error}");
    }
}

#[test]
fn comments_and_strings_hide_no_brackets() {
    let deep = "(".repeat(1_000);
    for hiding in [
        "// \" \n",
        "\"//\" == ",
        "\"\\\"//\" == ",
        "// comment\r",
        "//\r\n",
        "//\n\r",
        "\"a;b\" == //\n",
    ] {
        let text = permit_when(&format!("{hiding}{deep}"));
        assert!(matches!(bound(&text), BoundError::Depth { .. }), "{hiding:?}");
    }
    let many = "permit(principal,action,resource);".repeat(200);
    assert_eq!(bound(&format!("//\r{many}")), BoundError::Policies);
    let chain = "&&true".repeat(5_000);
    assert!(matches!(
        bound(&format!("//\r{}", permit_when(&format!("true{chain}")))),
        BoundError::Complexity { .. }
    ));
}

#[test]
fn brackets_and_semicolons_in_strings_and_comments_do_not_count() {
    let text = format!(
        "// {0}\n@id(\"p{1}\") permit(principal, action, resource) when {{ context.purpose != \"{0}{1}//\" }};",
        "([{".repeat(50),
        ";".repeat(100),
    );
    assert!(Policies::parse(&text, Layer::Contract).is_ok());
}

#[test]
fn a_semicolon_in_a_string_does_not_reset_the_count_of_operators() {
    let text = permit_when(&vec!["context.purpose != \";\""; 200].join(" && "));
    assert!(matches!(bound(&text), BoundError::Complexity { .. }));
}

#[test]
fn characters_that_deceive_a_reader_are_refused_even_in_comments() {
    for c in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}', '\0', '\u{1b}', '\u{8}', '\u{85}'] {
        for text in [format!("// {c}"), permit_when(&format!("context.purpose == \"{c}\""))] {
            assert_eq!(bound(&text), BoundError::Character { line: 1, character: c });
        }
    }
    assert!(
        Policies::parse(&permit_when("context.purpose == \"\\u{202e}\""), Layer::Contract).is_ok()
    );
}

#[test]
fn a_refusal_names_the_line() {
    let text = format!("// one\n\"two\n\" {}", "(".repeat(30));
    assert_eq!(bound(&text), BoundError::Depth { line: 3 });
}

fn many(n: u32, condition: &str) -> String {
    let policy = |i| permit_when(condition).replacen("\"p\"", &format!("\"p{i}\""), 1);
    (0..n).map(policy).collect()
}

/// Steps are counted, not timed. Sixty constants of two steps, 59 sums, a comparison with a
/// constant, and the policy itself: 183.
#[test]
fn a_text_whose_decision_takes_one_policy_too_many_is_refused() {
    const { assert!(44 * 183 <= COST_MAX && 45 * 183 > COST_MAX) }
    let sum = format!("{}>0", vec!["1"; 60].join("+"));
    assert!(Program::new(&many(44, &sum)).is_ok());
    assert!(matches!(Program::new(&many(45, &sum)), Err(InvalidPolicies::Cost { .. })));
    // What is left to Cedar is counted as a whole.
    const { assert!(4 * UNCOMPILED_COST <= COST_MAX && 5 * UNCOMPILED_COST > COST_MAX) }
    let deep = format!("{}>0", vec!["1"; 100].join("+"));
    assert!(Program::new(&many(4, &deep)).is_ok());
    assert!(matches!(Program::new(&many(5, &deep)), Err(InvalidPolicies::Cost { .. })));
}

/// Just within the bounds: parsed, validated and decided on 2 MiB of stack.
#[test]
fn the_worst_texts_within_the_bounds_do_not_overflow_the_stack() {
    let ands = |n: usize| vec!["true"; n].join("&&");
    let like = format!("\"{}\"like\"*{}b\"", "a".repeat(510), "a".repeat(255));
    for text in [
        permit_when(&ands(185)),
        permit_when(&ands(185).replace("&&", "||")),
        permit_when(&format!("{}>0", vec!["1"; 370].join("+"))),
        permit_when(&format!("{}<0", vec!["1"; 370].join("-"))),
        permit_when(&format!("{}>0", vec!["1"; 370].join("*"))),
        permit_when(&format!("{}true{}", "(".repeat(22), ")".repeat(22))),
        permit_when(&format!("{}true{}", "!!(".repeat(22), ")".repeat(22))),
        permit_when(&format!("{}{}{}", "true&&!!(".repeat(22), ands(130), ")".repeat(22))),
        permit_when(&format!("{}true{}", "if (".repeat(16), ") then true else false".repeat(16))),
        permit_when(&format!("{}true", "if context.uses>=0 then true else ".repeat(16))),
        permit_when(&format!("{}1{}==1", "{a:".repeat(22), "}".repeat(22))),
        permit_when(&format!("context has a{}", ".a".repeat(370))),
        permit_when(&format!("context{}==1", ".a".repeat(370))),
        permit_when(&format!("[{}].contains(1)", vec!["1"; 2_500].join(","))),
        permit_when(&vec![like; 41].join("||")),
        permit_when("true").replace(';', &format!("{};", "unless{false}".repeat(180))),
        many(80, &["context.uses>=0"; 11].join("&&")),
        many(15, &ands(170)),
        many(60, &["datetime(\"2026-01-01\")<context.now"; 12].join("&&")),
    ] {
        assert!(text.len() <= TEXT_LEN_MAX);
        on_stack(2 << 20, move || {
            let shown: String = text.chars().take(90).collect();
            match Program::new(&text) {
                Ok(program) => drop(program.told(&facts(), None)),
                // Cedar itself asks how much stack is left, and the schema knows no `a`.
                Err(
                    InvalidPolicies::Schema { .. }
                    | InvalidPolicies::Syntax { .. }
                    | InvalidPolicies::Cost { .. },
                ) => {}
                Err(error) => panic!("{error}: {shown}"),
            }
        });
    }
}
