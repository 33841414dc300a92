//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/csv_table.rs"]
mod csv_table;
#[cfg(test)]
#[path = "../../../fuzz/checks/document.rs"]
mod document;
#[cfg(test)]
#[path = "../../../fuzz/checks/duties.rs"]
mod duties;
#[cfg(test)]
#[path = "../../../fuzz/checks/json_table.rs"]
mod json_table;
#[cfg(test)]
#[path = "../../../fuzz/checks/parquet_table.rs"]
mod parquet_table;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/stated_table.rs"]
mod stated_table;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_csv_table_breaks_nothing() {
        replay("csv_table", super::csv_table::check);
    }

    #[test]
    fn the_corpus_of_document_breaks_nothing() {
        replay("document", super::document::check);
    }

    #[test]
    fn the_corpus_of_json_table_breaks_nothing() {
        replay("json_table", super::json_table::check);
    }

    #[test]
    fn the_corpus_of_parquet_table_breaks_nothing() {
        replay("parquet_table", super::parquet_table::check);
    }

    #[test]
    fn the_corpus_of_stated_table_breaks_nothing() {
        replay("stated_table", super::stated_table::check);
    }
}
