//! The schema of the index.

use crate::domain::score;
use tantivy::{
    schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{RAW_TOKENIZER_NAME, TextAnalyzer, TokenizerManager, WhitespaceTokenizer},
};

/// A new number rebuilds every index. Increase it when the fields below, the analysis of text or the stored data change.
pub const VERSION: u32 = 5;

/// The tokenizer for texts that [`crate::domain::text::Analyzer`] has already split.
const WORDS: &str = "words";

/// The index fields of one searchable field of a product.
#[derive(Debug, Clone, Copy)]
pub struct Texts {
    pub field: score::Field,
    /// Words and compounds.
    pub words: Field,
    /// Their stems; a brand has none.
    pub stems: Option<Field>,
    /// Their prefixes.
    pub prefixes: Field,
}

/// All fields of the index.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// The product's id, by which documents are replaced and deleted.
    pub id: Field,
    pub texts: [Texts; 3],
    /// Pairs of adjacent stems in the title.
    pub pairs: Field,
    /// The SKU without hyphens, in lower case.
    pub sku: Field,
    /// Every three adjacent characters of it.
    pub sku_grams: Field,
    /// The SKU without hyphens again, as a column.
    pub sku_column: Field,
    /// The two halves of the id.
    pub id_high: Field,
    pub id_low: Field,
    /// The id of the product's group, if it has one.
    pub group: Field,
    /// The two halves of the group's id; zero without a group.
    pub group_high: Field,
    pub group_low: Field,
    /// See [`super::currency_number`].
    pub currency: Field,
    pub price: Field,
    pub created: Field,
    pub in_stock: Field,
    /// See [`super::rating_number`].
    pub rating: Field,
    /// The number of words in the title.
    pub title_words: Field,
    /// See [`super::labels`].
    pub labels: Field,
    /// The stored part of the document, as JSON.
    pub stored: Field,
}

/// Builds the schema and returns it with its fields.
#[must_use]
pub fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    // No frequencies, positions or lengths, because the score does not use them.
    let indexing = TextFieldIndexing::default().set_tokenizer(WORDS).set_index_option(IndexRecordOption::Basic).set_fieldnorms(false);
    let text = TextOptions::default().set_indexing_options(indexing);
    let column = NumericOptions::default().set_fast();
    let text_column = TextOptions::default().set_fast(RAW_TOKENIZER_NAME);
    let mut words = |name: &str| schema.add_text_field(name, text.clone());
    let texts = [
        Texts { field: score::Field::Title, words: words("title"), stems: Some(words("title_stems")), prefixes: words("title_starts") },
        Texts { field: score::Field::Brand, words: words("brand"), stems: None, prefixes: words("brand_starts") },
        Texts { field: score::Field::Body, words: words("body"), stems: Some(words("body_stems")), prefixes: words("body_starts") },
    ];
    let (pairs, sku, sku_grams) = (words("pairs"), words("sku"), words("sku_grams"));
    let fields = Fields {
        id: schema.add_bytes_field("id", BytesOptions::default().set_indexed()),
        texts,
        pairs,
        sku,
        sku_grams,
        sku_column: schema.add_text_field("sku_column", text_column.clone()),
        id_high: schema.add_u64_field("id_high", column.clone()),
        id_low: schema.add_u64_field("id_low", column.clone()),
        group: schema.add_bytes_field("group", BytesOptions::default().set_indexed()),
        group_high: schema.add_u64_field("group_high", column.clone()),
        group_low: schema.add_u64_field("group_low", column.clone()),
        currency: schema.add_u64_field("currency", column.clone()),
        price: schema.add_i64_field("price", column.clone()),
        created: schema.add_i64_field("created", column.clone()),
        in_stock: schema.add_bool_field("in_stock", column.clone()),
        rating: schema.add_i64_field("rating", column.clone()),
        title_words: schema.add_u64_field("title_words", column),
        labels: schema.add_text_field("labels", text_column),
        stored: schema.add_bytes_field("stored", STORED),
    };
    (schema.build(), fields)
}

/// Returns the tokenizers that the schema names.
#[must_use]
pub fn tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(WORDS, TextAnalyzer::from(WhitespaceTokenizer::default()));
    tokenizers
}
