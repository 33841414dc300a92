//! Each construct of Cedar's grammar, as often as the bounds take it: what is refused in the end
//! costs little.

use crate::bounds::{OPERATORS_MAX, POLICIES_MAX, TEXT_LEN_MAX, check};
use crate::policies::InvalidPolicies;
use crate::{Layer, Policies};

/// What is taken at once.
const BYTES_MAX: u64 = 10_000_000;
/// Allocations, which stand for time where that is not measured: `refuse/ill-typed` of the bench
/// `policy_evaluation` made 34,000 when it took 8 ms. The dearest of these, comparisons of instants in
/// a permission, makes 60,771.
const ALLOCATIONS_MAX: u64 = 65_000;

/// The beginning of a condition, what is repeated, and the end.
const CHAINS: [(&str, &str, &str); 45] = [
    ("true", "&&true", ""),
    ("false", "||false", ""),
    ("context.uses==1", "&&context.uses==1", ""),
    ("context.uses==1", "||context.uses==1", ""),
    ("(context.uses==1||context.uses==2)", "&&(context.uses==1||context.uses==2)", ""),
    ("context.uses==1", "&&context.uses==\"one\"", ""),
    ("context.uses==1", "&&context.weather==\"fine\"", ""),
    ("1", "+1", ">0"),
    ("1", "-1", ">0"),
    ("1", "*1", ">0"),
    ("context", ".a", "==1"),
    ("context", "[\"a b\"]", "==1"),
    ("context has a", ".a", ""),
    ("true", "&&context has person", ""),
    ("true", "&&context has person&&context.person==context.person", ""),
    ("\"a\"like\"*\"", "&&\"a\"like\"*a*\"", ""),
    ("[1", ",1", "].contains(1)"),
    ("[\"a\"", ",\"a\"", "].contains(\"a\")"),
    ("[1", ",\"a\"", "].contains(1)"),
    ("[Dataspace::Role::\"a\"", ",Dataspace::Role::\"a\"", "].contains(principal)"),
    ("[[1]", ",[1]", "].contains([1])"),
    ("[[[[1]]]", ",[[[1]]]", "].contains([[[1]]])"),
    ("[{a:1}", ",{a:1}", "].contains({a:1})"),
    ("[{a:{a:{a:1}}}", ",{a:{a:{a:1}}}", "].contains({a:{a:{a:1}}})"),
    ("[{a:[{a:[1]}]}", ",{a:[{a:[1]}]}", "].contains({a:[{a:[1]}]})"),
    ("{b:1", ",b:1", "}.b==1"),
    ("{}=={}", "&&{a:1,b:2}=={a:1,b:2}", ""),
    ("(if true then 1 else 1)", "+(if true then 1 else 1)", ">0"),
    ("context.now<datetime(\"2026-01-01\")", "&&context.now<datetime(\"2026-01-01\")", ""),
    ("context.now<datetime(\"2026-99-01\")", "&&context.now<datetime(\"2026-99-01\")", ""),
    ("principal is Foo", "||principal is Foo", ""),
    ("principal==Foo::\"a\"", "||principal==Foo::\"a\"", ""),
    ("principal in [Dataspace::Role::\"a\"]", "||principal in [Dataspace::Role::\"a\"]", ""),
    ("action==Dataspace::Action::\"read\"", "||action==Dataspace::Action::\"read\"", ""),
    ("[action].contains(action)", "||[action].contains(action)", ""),
    ("action==action", "&&context.uses==1", ""),
    ("true", "&&principal.hasTag(\"a\")&&principal.getTag(\"a\")==\"a\"", ""),
    ("foo(1)", "||foo(1)", ""),
    ("1.foo(1)", "||1.foo(1)", ""),
    ("\"\\q\"==1", "||\"\\q\\q\\q\\q\\q\\q\\q\\q\"==1", ""),
    ("true", " true", ""),
    ("1", " 1", ""),
    ("\"\"", " \"\"", ""),
    ("true", "}when{true", ""),
    ("true", "}unless{context.uses==1", ""),
];

/// What is repeated around a condition.
const NESTS: [(&str, &str, &str); 9] = [
    ("(", "true", ")"),
    ("!(", "true", ")"),
    ("[", "1", "]"),
    ("{a:", "1", "}"),
    ("{a:[", "1", "]}"),
    ("[{a:1,b:", "1", "}]"),
    ("if true then ", "true", " else true"),
    ("if context.uses>=0 then {a:1} else ", "{a:1}", ""),
    ("[1].contains(", "1", ")"),
];

/// Texts without a policy that is whole.
const OTHERS: [&str; 16] = [
    "a ",
    "1 ",
    "\"\" ",
    ",",
    ";",
    ")",
    "}",
    "]",
    "permit ",
    "permit();",
    "@",
    "@a ",
    "@a(\"b\")",
    "// a\n",
    "::",
    "permit(principal,action,resource);",
];

fn policy(number: usize, condition: &str) -> String {
    format!("@id(\"p{number}\")permit(principal,action,resource)when{{{condition}}};")
}

/// As often as the bounds take it, and once more: in each policy and in all.
fn largest(condition: impl Fn(usize) -> String) -> Vec<String> {
    let is_taken = |text: &str| text.len() <= TEXT_LEN_MAX && check(text).is_ok();
    let of_all = |links: usize, policies: usize| -> String {
        (0..policies).map(|number| policy(number, &condition(links))).collect()
    };
    let most = |max: usize, make: &dyn Fn(usize) -> String| {
        let (mut taken, mut refused) = (0, max + 1);
        while refused - taken > 1 {
            let middle = taken.midpoint(refused);
            if is_taken(&make(middle)) { taken = middle } else { refused = middle }
        }
        taken
    };
    // Few large policies, and many small ones.
    let alone = most(TEXT_LEN_MAX, &|links| policy(0, &condition(links)));
    let mut texts = vec![policy(0, &condition(alone)), policy(0, &condition(alone + 1))];
    for links in [alone, alone / 2, 8.min(alone), 1] {
        let policies = most(POLICIES_MAX, &|policies| of_all(links, policies));
        texts.push(of_all(links, policies));
    }
    texts
}

#[test]
fn whatever_is_refused_or_taken_costs_little() {
    const { assert!(OPERATORS_MAX > 8) }
    let mut texts = Vec::new();
    for (first, link, last) in CHAINS {
        texts.extend(largest(|links| format!("{first}{}{last}", link.repeat(links))));
    }
    for (open, inner, close) in NESTS {
        let nest = |links: usize| format!("{}{inner}{}", open.repeat(links), close.repeat(links));
        texts.extend(largest(nest));
        // Many of the deepest.
        for depth in [3, 8, 10, 20] {
            let one = nest(depth);
            texts.extend(largest(|links| format!("[{one}{}]==1", format!(",{one}").repeat(links))));
        }
    }
    for other in OTHERS {
        texts.push(other.repeat(TEXT_LEN_MAX / other.len()));
        let number = POLICIES_MAX - 1;
        texts.push(other.repeat(number.min(TEXT_LEN_MAX / other.len())));
    }
    texts.push(policy(0, &format!("context.{}==1", "a".repeat(TEXT_LEN_MAX - 100))));
    texts.push((0..100).map(|n| policy(n, &format!("context.{}==1", "a".repeat(128)))).collect());
    // Once, for what is made once.
    let _first = Policies::parse(&policy(0, "true"), Layer::Contract);
    let (mut worst, mut dear) = ((0, 0), Vec::new());
    for text in texts {
        let mut parsed = None;
        let cost = allocation_counter::measure(|| {
            parsed = Some(Policies::parse(&text, Layer::Contract));
        });
        let is_bound = matches!(parsed, Some(Err(InvalidPolicies::Bounds(_))));
        let shown: String = text.chars().take(160).collect();
        let (bytes, allocations) = (cost.bytes_max, cost.count_total);
        let is_cheap = bytes < BYTES_MAX && allocations < ALLOCATIONS_MAX;
        if !is_cheap || is_bound && bytes > 4_096 {
            dear.push(format!("{bytes} bytes, {allocations} times, {} of {shown}", text.len()));
        }
        worst = (worst.0.max(bytes), worst.1.max(allocations));
    }
    println!("at most {} bytes, {} allocations", worst.0, worst.1);
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}
