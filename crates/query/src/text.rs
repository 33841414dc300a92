//! SQL texts: which are taken.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::gate::Gate;
use crate::limits::{BRACKETS_MAX, TEXT_LEN_MAX, TOKENS_MAX};
use crate::stack::on_stack_of_parser;
use crate::text_error::TextError;

/// Most calls of the parser within each other; [`BRACKETS_MAX`] binds before.
const PARSER_DEPTH_MAX: usize = 128;

/// A text that is taken as a query, with the views that it names.
#[derive(Clone)]
pub struct Query {
    pub(crate) ast: ast::Query,
    views: BTreeSet<String>,
}

impl Query {
    /// Reads a text. No view needs to be there for this.
    ///
    /// Names without quotes are in lower case, as in PostgreSQL: a column `Serial` is named `"Serial"`.
    ///
    /// # Errors
    /// [`TextError`] if it is not one query, or has something that is not taken here.
    pub fn parse(sql: &str) -> Result<Self, TextError> {
        if sql.len() > TEXT_LEN_MAX {
            return Err(TextError::Len { len: sql.len() });
        }
        on_stack_of_parser(|| {
            let ast = parse(sql)?;
            let views = Gate::check(&ast)?;
            if views.is_empty() {
                return Err(TextError::NoView);
            }
            Ok(Self { ast, views })
        })
    }

    /// The views that it names. Each needs a permit before the query runs.
    #[must_use]
    pub fn views(&self) -> &BTreeSet<String> {
        &self.views
    }
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").field("views", &self.views).finish_non_exhaustive()
    }
}

fn parse(sql: &str) -> Result<ast::Query, TextError> {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| syntax(ParserError::from(error)))?;
    count(&tokens)?;
    let first = tokens.iter().map(|one| &one.token).find(|token| !is_space(token));
    let begins = match first {
        Some(Token::LParen) => true,
        Some(Token::Word(word)) => matches!(word.keyword, Keyword::SELECT | Keyword::WITH),
        _ => false,
    };
    if !begins {
        return Err(TextError::NotAQuery);
    }
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(PARSER_DEPTH_MAX)
        .with_tokens_with_locations(tokens);
    let query = parser.parse_query().map_err(syntax)?;
    while parser.consume_token(&Token::SemiColon) {}
    match parser.peek_token().token {
        Token::EOF => Ok(*query),
        _ => Err(TextError::NotAQuery),
    }
}

fn is_space(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_))
}

/// Bounds what the parser, which tries several readings of what is in brackets, can be made to do.
fn count(tokens: &[TokenWithSpan]) -> Result<(), TextError> {
    let (mut count, mut depth) = (0_usize, 0_usize);
    for token in tokens.iter().map(|one| &one.token).filter(|token| !is_space(token)) {
        count += 1;
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACKETS_MAX {
            return Err(TextError::Depth);
        }
    }
    if count > TOKENS_MAX { Err(TextError::Tokens) } else { Ok(()) }
}

fn syntax(error: ParserError) -> TextError {
    let text = match &error {
        ParserError::RecursionLimitExceeded => return TextError::Depth,
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
    };
    let after = |mark: &str| {
        let (_, rest) = text.rsplit_once(mark)?;
        let digits = rest.split(|one: char| !one.is_ascii_digit()).next()?;
        digits.parse::<u64>().ok()
    };
    let (line, column) = after("Line: ").zip(after("Column: ")).unwrap_or_default();
    TextError::Syntax { line, column, source: Box::new(error) }
}
