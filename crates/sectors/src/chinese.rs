//! Terms in plain Chinese. The words come from the terms themselves, so that they say what decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dataspace_policy::{
    Action, Assurance, Clause, ClauseId, ClauseKind, ColumnMask, Constraint, Duty, Exclusive,
    Hours, Legal, MaskMethod, Operator, Plays, RowFilter, Rule, Scalar, Terms, Weekday,
    duty::{Aggregate, CalendarPart, Characters, MarkMethod, PseudonymScope, Tolerance},
    facts::{Fact, Form, Values},
};
use dataspace_primitives::{Name, shown};
use thiserror::Error;

/// A clause that has no words in Chinese yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{clause} has no words in Chinese yet")]
pub struct NoChinese {
    /// The clause.
    pub clause: ClauseId,
}

/// What a sector's names are called in Chinese: purposes, classes and roles.
pub(crate) type Words = BTreeMap<Name, String>;

/// The name of a label, as `docs/labels.md` has it.
#[must_use]
pub const fn label(assurance: Assurance) -> &'static str {
    match assurance {
        Assurance::Enforced => "技术强制",
        Assurance::Key => "密钥控制",
        Assurance::Attested => "签名声明",
        Assurance::Deterrent => "事后追溯",
        Assurance::Legal => "法律约束",
        Assurance::Unsupported => "暂不支持",
    }
}

/// Every clause in plain Chinese with its label, in the order of the document.
pub(crate) fn clauses(terms: &Terms, words: &Words) -> Result<Vec<Clause>, NoChinese> {
    let writer = Writer { words };
    let permissions = terms.permissions.iter().map(|one| Some(writer.rule(one, "可以")));
    let prohibitions = terms.prohibitions.iter().map(|one| Some(writer.rule(one, "不得")));
    let duties = terms.duties.iter().map(duty);
    let legal = terms.legal.iter().map(|one| Some(legal(one)));
    let exclusive = terms.exclusive.iter().map(|one| Some(exclusive(one)));
    let texts = permissions.chain(prohibitions).chain(duties).chain(legal).chain(exclusive);
    let all = terms.clauses().into_iter().zip(texts);
    all.map(|(clause, text)| match text {
        Some(words) => Ok(Clause { words, ..clause }),
        None => Err(NoChinese { clause: clause.id }),
    })
    .collect()
}

/// The kind of a clause: 许可, 禁止, 义务, 法律条款.
#[must_use]
pub const fn kind(kind: ClauseKind) -> &'static str {
    match kind {
        ClauseKind::Permission => "许可",
        ClauseKind::Prohibition => "禁止",
        ClauseKind::Duty => "义务",
        ClauseKind::Legal => "法律条款",
        ClauseKind::Exclusive => "独占",
    }
}

struct Writer<'a> {
    words: &'a Words,
}

impl Writer<'_> {
    fn rule(&self, rule: &Rule, verb: &str) -> String {
        let actions: Vec<_> = rule.actions.iter().copied().map(action).collect();
        let mut text = format!("使用方{verb}{}", list(&actions));
        for one in &rule.constraints {
            text.push('，');
            text.push_str(&self.constraint(one));
        }
        text
    }

    fn constraint(&self, constraint: &Constraint) -> String {
        let parts = |all: &[Constraint]| {
            let all: Vec<_> =
                all.iter().map(|one| format!("（{}）", self.constraint(one))).collect();
            all.join("、")
        };
        match constraint.form() {
            Form::Among(fact, values) => self.among(fact, values),
            Form::Time(time) => format!("自 {} 起，至 {} 之前", time.from(), time.until()),
            Form::From(at) => format!("自 {at} 起"),
            Form::Before(at) => format!("在 {at} 之前"),
            Form::Hours(hours) => at_hours(hours),
            Form::Elapsed(secs) => format!("在签约后 {} 之内", seconds(*secs)),
            Form::Count(max) => format!("累计不超过 {max} 次"),
            Form::ConsumerCount(max) => format!("在其全部合约下累计不超过 {max} 次"),
            Form::DayCount(max) => format!("每日（UTC）不超过 {max} 次"),
            Form::MonthCount(max) => format!("每个日历月（UTC）不超过 {max} 次"),
            Form::PlayCount(Plays { max, after: 0 }) => format!("累计不超过 {max} 次播放"),
            Form::PlayCount(Plays { max, after }) => {
                let free = seconds(u64::from(*after));
                format!("累计不超过 {max} 次播放，只取开头 {free} 之内的片段不计")
            }
            Form::SecondsCount(max) => {
                format!("累计不超过 {}，按所请求的整秒片段计", seconds(u64::from(*max)))
            }
            Form::FirstSeconds(until) => {
                format!("只限开头 {} 之内的片段", seconds(u64::from(*until)))
            }
            Form::Attribute { name, values } => {
                let values: Vec<_> = values.iter().map(|one| self.name(one.as_str())).collect();
                format!("其凭证载明 {} 为 {}", self.name(name.as_str()), list(&values))
            }
            Form::Vouched { kind, values } => {
                let values: Vec<_> = values.iter().map(|one| self.name(one.as_str())).collect();
                format!(
                    "数据空间信任的声明方声明 {} 为 {}",
                    self.name(kind.as_str()),
                    list(&values)
                )
            }
            Form::Attested => "使用环境已通过可信证明".to_owned(),
            Form::Sandbox => "在沙箱之内使用".to_owned(),
            Form::SecurityLevel(least) => format!("使用环境的安全等级不低于 {least}"),
            Form::Level(most) => format!("产品分级不高于 {most}"),
            Form::Not(one) => format!("不属于（{}）", self.constraint(one)),
            Form::All(all) => format!("同时满足{}", parts(all)),
            Form::Any(all) => format!("至少满足其一：{}", parts(all)),
            Form::One(all) => format!("恰好满足其一：{}", parts(all)),
        }
    }

    fn among(&self, fact: Fact, values: Values<'_>) -> String {
        let all: Vec<_> = values.texts().into_iter().map(|one| self.name(one)).collect();
        let (values, is) = (list(&all), if fact.kind().is_set() { "包括" } else { "为" });
        match fact {
            Fact::Purposes => format!("使用目的为 {values}，或其下级目的"),
            fact => format!("{}{is} {values}", fact.in_chinese()),
        }
    }

    /// A name, with what it is called in Chinese before it.
    fn name(&self, name: &str) -> String {
        match name.parse::<Name>().ok().and_then(|name| self.words.get(&name)) {
            Some(words) => format!("{words}（{}）", quoted(name)),
            None => quoted(name),
        }
    }
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::Read => "读取",
        Action::Query => "查询",
        Action::Aggregate => "查看统计结果",
        Action::Transfer => "接收副本",
        Action::Derive => "制作衍生成果",
        Action::Train => "训练模型",
        Action::Display => "展示",
        Action::Play => "播放",
        Action::Share => "提供给他人",
    }
}

const fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "星期一",
        Weekday::Tuesday => "星期二",
        Weekday::Wednesday => "星期三",
        Weekday::Thursday => "星期四",
        Weekday::Friday => "星期五",
        Weekday::Saturday => "星期六",
        Weekday::Sunday => "星期日",
    }
}

fn at_hours(hours: &Hours) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let days: Vec<_> = hours.weekdays.iter().copied().map(weekday).collect();
    let days =
        if days.len() == Weekday::ALL.len() { "每天".to_owned() } else { days.join("、") };
    let (from, until, zone) = (time(hours.from), time(hours.until), quoted(hours.zone.as_str()));
    format!("按 {zone} 当地时间，{days} {from} 至 {until}")
}

/// `None` for kinds that have no words here yet.
// WHY `if let`: a kind that is added elsewhere is refused here, and does not break the build.
fn duty(duty: &Duty) -> Option<String> {
    if let Duty::Filter(one) = duty {
        return Some(filter(one));
    }
    if let Duty::Mask(one) = duty {
        return mask(one);
    }
    if let Duty::Keep(one) = duty {
        let columns: Vec<_> = one.columns.iter().map(|one| quoted(one.as_str())).collect();
        let columns = columns.join("、");
        return Some(format!("只提供列 {columns}；若有其他列，行的次序重新排列"));
    }
    if let Duty::Aggregate(one) = duty {
        return Some(aggregate(one));
    }
    if let Duty::Mark(one) = duty {
        return Some(match one.method {
            MarkMethod::Visible => "每份副本均带有本合约的可见标记".to_owned(),
            MarkMethod::Trace => {
                "每份副本均带有本合约的隐藏标记，提供方可据此判断副本属于谁".to_owned()
            }
        });
    }
    if let Duty::Sample(one) = duty {
        let (of, same) = one.subject.as_ref().map_or_else(
            || ("全部行".to_owned(), "行不变则在本合约下每次均相同"),
            |subject| {
                let subject = quoted(subject.as_str());
                (format!("列 {subject} 的不同取值（连同其所有行）"), "在本合约下每次均相同")
            },
        );
        let share = percent(one.per_million);
        return Some(format!("只提供{of}中 {share} 的样本，{same}"));
    }
    if let Duty::Limit(one) = duty {
        return Some(format!("每次至多提供 {} 行", one.rows));
    }
    if let Duty::Persons(one) = duty {
        let (column, register) = (quoted(one.column.as_str()), quoted(one.register.as_str()));
        return Some(format!(
            "个人以列 {column} 识别：在每个自然年内（时区 {}），登记簿 {register} 所涉的全部合约下每人计一次，\
             累计不超过 {} 人，超过则不予提供；未标明个人的行不予提供",
            one.zone, one.at_most
        ));
    }
    if let Duty::Watermark(one) = duty {
        let column = quoted(one.column.as_str());
        let most = match &one.tolerance {
            Tolerance::Absolute(most) => most.to_string(),
            Tolerance::Relative(most) => format!("其绝对值的 {}", percent(*most)),
        };
        return Some(format!("列 {column} 的数值最多变动 {most}，使副本可以追溯到本合约"));
    }
    None
}

fn aggregate(aggregate: &Aggregate) -> String {
    let columns = |all: &BTreeSet<Name>| {
        let all: Vec<_> = all.iter().map(|one| quoted(one.as_str())).collect();
        all.join("、")
    };
    let Aggregate { by, subject, least, mean, sum } = aggregate;
    let group = if by.is_empty() {
        "全部合为一组".into()
    } else {
        format!("按列 {} 分组", columns(by))
    };
    let mut text = format!("不提供任何一行数据，只提供统计：{group}，每组的行数");
    for (all, what) in [(mean, "均值"), (sum, "合计")] {
        if !all.is_empty() {
            let _infallible = write!(text, "以及列 {} 的{what}", columns(all));
        }
    }
    let _infallible =
        write!(text, "；列 {} 的不同取值少于 {least} 个的组不予提供", quoted(subject.as_str()));
    text
}

fn filter(filter: &RowFilter) -> String {
    let operator = match filter.operator {
        Operator::Eq => "等于",
        Operator::Neq => "不等于",
        Operator::Lt => "小于",
        Operator::Lteq => "不大于",
        Operator::Gt => "大于",
        Operator::Gteq => "不小于",
        Operator::IsAnyOf => "属于",
    };
    let values: Vec<_> = filter.values.iter().map(scalar).collect();
    format!("只提供列 {} {operator} {} 的行", quoted(filter.column.as_str()), values.join("、"))
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => shown(&format!("{text:?}")).to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Boolean(true) => "真".to_owned(),
        Scalar::Boolean(false) => "假".to_owned(),
    }
}

/// Parts of a million as a percentage.
fn percent(per_million: u32) -> String {
    let text = format!("{}.{:04}", per_million / 10_000, per_million % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn mask(mask: &ColumnMask) -> Option<String> {
    let column = quoted(mask.column.as_str());
    let mut text = match &mask.method {
        MaskMethod::Hash => format!("列 {column} 的值以仅用于本合约的假名代替"),
        MaskMethod::Pseudonym { scope, domain } => {
            let all = match scope {
                PseudonymScope::Contract => "仅限本合约之内",
                PseudonymScope::Consumer => "限于使用方与本提供方的全部合约，不可与他方关联",
            };
            let columns = match domain {
                Some(domain) => format!("域 {} 的各列", quoted(domain.as_str())),
                None => format!("名为 {column} 且以此类假名代替的各列"),
            };
            format!("列 {column} 的值以假名代替，{columns}中相同的值可以相互关联，{all}")
        }
        MaskMethod::Constant(value) => {
            format!("列 {column} 的每个值以 {} 代替，缺失值仍为缺失", scalar(value))
        }
        MaskMethod::Generalise(broader) => {
            let text = |name: &Name| shown(&format!("{:?}", name.as_str())).to_string();
            let mut all = format!("列 {column} 的值以上级类别代替：");
            for (broader, values) in broader.groups() {
                let values: Vec<_> = values.into_iter().map(text).collect();
                let _infallible = write!(all, "{} 归为 {}，", values.join("、"), text(broader));
            }
            format!("{all}其他值一律归为 {}，缺失值仍为缺失", text(&broader.others))
        }
        MaskMethod::Round { decimals } if *decimals < 0 => {
            format!("列 {column} 的值四舍五入到 10^{} 的倍数", decimals.unsigned_abs())
        }
        MaskMethod::Round { decimals } => {
            format!("列 {column} 的值四舍五入到小数点后 {decimals} 位")
        }
        MaskMethod::Truncate { chars } => format!("列 {column} 的值只保留前 {chars} 个字符"),
        MaskMethod::Bin { width } => {
            format!("列 {column} 的值以其所在区间（长度 {width}）的下限代替")
        }
        MaskMethod::Calendar { part } => format!("列 {column} 的时间只保留到{}（UTC）", to(*part)),
        MaskMethod::Grid { cells } => {
            format!("列 {column} 的值以其所在网格（每度 {cells} 格）的中点代替")
        }
        MaskMethod::Redact { characters: Characters::Digits } => {
            format!("列 {column} 中的数字以 # 代替")
        }
        MaskMethod::Redact { characters: Characters::Letters } => {
            format!("列 {column} 中的字母以 x 代替")
        }
        // WHY two: so that a kind that is added elsewhere is refused here, and does not break the build.
        _ if mask.method == MaskMethod::Drop => format!("不提供列 {column}"),
        _ if mask.method == MaskMethod::Null => format!("清空列 {column} 的值"),
        _ => return None,
    };
    text.push_str("，行的次序重新排列");
    Some(text)
}

const fn to(part: CalendarPart) -> &'static str {
    match part {
        CalendarPart::Minute => "分钟",
        CalendarPart::Hour => "小时",
        CalendarPart::Day => "日",
        CalendarPart::Month => "月",
        CalendarPart::Year => "年",
    }
}

fn exclusive(exclusive: &Exclusive) -> String {
    let Exclusive { territories, until } = exclusive;
    let to = if territories.is_empty() {
        String::new()
    } else {
        let all: Vec<_> = territories.iter().map(|one| quoted(one.as_str())).collect();
        format!("以数据可流向 {} 的方式", list(&all))
    };
    format!("{until} 之前，除非本合约提前终止，提供方不{to}与其他使用方就该数据产品订立合约")
}

fn legal(legal: &Legal) -> String {
    let foreign = |operand: &Name, operator: &Name, values: &[Name]| {
        let values: Vec<_> = values.iter().map(|one| quoted(one.as_str())).collect();
        let (operand, operator) = (quoted(operand.as_str()), quoted(operator.as_str()));
        format!("{operand} {operator} {}", values.join("、"))
    };
    match legal {
        Legal::Text(text) => shown(text).to_string(),
        Legal::Operand { operand, operator, values } => {
            format!("适用外部词汇的条件：{}", foreign(operand, operator, values))
        }
        Legal::Forbidden { operand, operator, values } => {
            format!("使用方不得从事外部词汇所禁止的行为：{}", foreign(operand, operator, values))
        }
        Legal::DeleteAfter(secs) => format!("使用方在签约 {} 后删除其副本", seconds(*secs)),
        Legal::ModifyAtRest(how) => format!("使用方在使用之前对其副本作如下修改：{}", shown(how)),
        Legal::Log => "使用方记录其使用".to_owned(),
        Legal::Notify(whom) => format!("使用方每次使用均通知 {}", quoted(whom.as_str())),
        Legal::ShareUnder(policy) => {
            format!("使用方只能依照 {} 向他人提供数据", quoted(policy.as_str()))
        }
    }
}

fn seconds(secs: u64) -> String {
    let units = [(86_400, "天"), (3_600, "小时"), (60, "分钟"), (1, "秒")];
    let found = units.into_iter().find(|(scale, _)| secs.is_multiple_of(*scale));
    let (scale, unit) = found.unwrap_or((1, "秒"));
    format!("{} {unit}", secs / scale)
}

/// `甲、乙或丙`, with spaces around the 或 of plain ASCII.
fn list(all: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (place, one) in all.iter().enumerate() {
        let one = one.as_ref();
        if place > 0 && place + 1 == all.len() {
            let space = |is_ascii: bool| if is_ascii { " " } else { "" };
            let before = space(text.ends_with(|c: char| c.is_ascii()));
            let after = space(one.starts_with(|c: char| c.is_ascii()));
            let _infallible = write!(text, "{before}或{after}");
        } else if place > 0 {
            text.push('、');
        }
        text.push_str(one);
    }
    text
}

/// A name as it is if it is one plain word, else in quotes.
fn quoted(name: &str) -> String {
    // WHY in quotes beyond ASCII: `甲或乙` as a name must not read as two.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    let text = if name.chars().all(is_plain) { name.to_owned() } else { format!("{name:?}") };
    shown(&text).to_string()
}

#[cfg(test)]
mod tests {
    use dataspace_policy::duty::Broader;
    use dataspace_policy::{Limit, Persons, Sample, Watermark};

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn duties_that_no_template_has_yet_have_words() {
        let mask = |method| Duty::Mask(ColumnMask { column: name("vin"), method });
        let values = [(name("Ulm"), name("South"))].into();
        let broader = Broader { values, others: name("elsewhere") };
        let all = [
            (
                mask(MaskMethod::Pseudonym {
                    scope: PseudonymScope::Consumer,
                    domain: Some(name("person")),
                }),
                "列 vin 的值以假名代替，域 person 的各列中相同的值可以相互关联，\
                 限于使用方与本提供方的全部合约，不可与他方关联，行的次序重新排列",
            ),
            (
                mask(MaskMethod::Pseudonym { scope: PseudonymScope::Consumer, domain: None }),
                "列 vin 的值以假名代替，名为 vin 且以此类假名代替的各列中相同的值可以相互关联，\
                 限于使用方与本提供方的全部合约，不可与他方关联，行的次序重新排列",
            ),
            (
                mask(MaskMethod::Constant(Scalar::Boolean(true))),
                "列 vin 的每个值以 真 代替，缺失值仍为缺失，行的次序重新排列",
            ),
            (
                mask(MaskMethod::Generalise(broader)),
                "列 vin 的值以上级类别代替：\"Ulm\" 归为 \"South\"，其他值一律归为 \"elsewhere\"，\
                 缺失值仍为缺失，行的次序重新排列",
            ),
            (
                Duty::Sample(Sample { per_million: 125_000, subject: None }),
                "只提供全部行中 12.5% 的样本，行不变则在本合约下每次均相同",
            ),
            (
                Duty::Sample(Sample { per_million: 1_000_000, subject: Some(name("vin")) }),
                "只提供列 vin 的不同取值（连同其所有行）中 100% 的样本，在本合约下每次均相同",
            ),
            (
                Duty::Persons(Persons {
                    column: name("phone"),
                    at_most: 10_000,
                    zone: name("Asia/Shanghai"),
                    register: name("敏感"),
                }),
                "个人以列 phone 识别：在每个自然年内（时区 Asia/Shanghai），登记簿 \"敏感\" 所涉的全部合约下每人\
                 计一次，累计不超过 10000 人，超过则不予提供；未标明个人的行不予提供",
            ),
            (Duty::Limit(Limit { rows: 10 }), "每次至多提供 10 行"),
            (
                Duty::Watermark(Watermark {
                    column: name("S_p"),
                    tolerance: Tolerance::Relative(1000),
                }),
                "列 S_p 的数值最多变动 其绝对值的 0.1%，使副本可以追溯到本合约",
            ),
        ];
        for (one, words) in all {
            assert_eq!(duty(&one).as_deref(), Some(words));
        }
    }
}
