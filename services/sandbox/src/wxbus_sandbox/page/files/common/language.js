// The texts of a view in the language of the document.

const [language] = document.documentElement.lang.split("-");

export function translated(texts) {
  return texts[language] || texts.en;
}
