using SpecDecode.Caching;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// Short stretches of texts, one of each at a time and as many as fit into a pass, from the end of each text backwards. A cache is rolled back to where its stretch
/// begins, so what a pass over it leaves behind that no later one reads, and nothing has to be restored.
/// </summary>
internal sealed class TextStretches
{
    private readonly WrittenText[] _texts;
    private readonly int _length;
    private readonly int _maxRows;
    private readonly bool _startsEverywhere;
    private readonly List<Stretch> _current = [];
    private readonly List<CacheTransaction.Entry> _enlisted = [];

    // Where each text's next stretch ends: behind the last token that it drafts.
    private readonly int[] _ends;
    private int _firstText;

    /// <summary>Begins at the ends of the texts.</summary>
    /// <param name="texts">The texts; those too short for a draft have none.</param>
    /// <param name="length">Rows of a stretch, but for the first of a text, which may be shorter.</param>
    /// <param name="maxRows">Rows of a pass.</param>
    /// <param name="startsEverywhere">Whether one begins at every position; else one begins where the next ends.</param>
    public TextStretches(IReadOnlyList<WrittenText> texts, int length, int maxRows, bool startsEverywhere = false)
    {
        foreach (WrittenText text in texts)
        {
            if (text.Cache.CommittedLength < text.Tokens.Length - 1)
            {
                throw new ArgumentException($"A cache has entries of {text.Cache.CommittedLength} tokens, but the text has {text.Tokens.Length}.", nameof(texts));
            }
        }

        _texts = [.. texts.Where(text => text.LastStart >= text.FirstStart)];
        _length = Math.Min(length, maxRows);
        _maxRows = maxRows;
        _startsEverywhere = startsEverywhere;
        _ends = [.. _texts.Select(text => startsEverywhere ? text.LastStart + 1 : text.Tokens.Length - 1)];
    }

    /// <summary>The texts that have stretches.</summary>
    public IReadOnlyList<WrittenText> Texts => _texts;

    /// <summary>The stretches in work; none once all have been.</summary>
    public IReadOnlyList<Stretch> Current => _current;

    /// <summary>Goes on to the next ones: one of each text, as many as fit, beginning with the text behind the last one.</summary>
    public void Next()
    {
        _current.Clear();
        int rows = 0;
        for (int looked = 0; looked < _texts.Length; looked++)
        {
            int text = (_firstText + looked) % _texts.Length;
            int first = _startsEverywhere ? _ends[text] - 1 : Math.Max(_texts[text].FirstStart, _ends[text] - _length);
            if (first < _texts[text].FirstStart || first >= _ends[text])
            {
                continue;
            }

            int count = Math.Min(_length, (_startsEverywhere ? _texts[text].Tokens.Length - 1 : _ends[text]) - first);
            if (rows + count > _maxRows)
            {
                _firstText = text;
                return;
            }

            rows += count;
            _ends[text] = first;
            _texts[text].Cache.RollBackTo(Math.Min(first, _texts[text].Cache.CommittedLength));
            _current.Add(new Stretch(text, first, count));
        }
    }

    /// <summary>Makes a pass of the stretches in work.</summary>
    /// <param name="batch">Becomes their rows.</param>
    /// <returns>The transaction for it, which keeps nothing, so disposing of it leaves every cache where its stretch begins.</returns>
    public CacheTransaction Fill(RowBatch batch)
    {
        CacheTransaction transaction = new(_enlisted);
        batch.Clear();
        foreach (Stretch stretch in _current)
        {
            WrittenText text = _texts[stretch.Text];
            transaction.Enlist(text.Cache, stretch.Rows);
            batch.Add(text.Cache, stretch.First, text.Tokens.Span.Slice(stretch.First, stretch.Rows));
        }

        return transaction;
    }

    /// <summary>The token that stands behind a row of a stretch.</summary>
    /// <param name="stretch">The stretch.</param>
    /// <param name="row">The row, from 0.</param>
    public int Token(Stretch stretch, int row) => _texts[stretch.Text].Tokens.Span[stretch.First + row + 1];
}

/// <summary>A stretch of a text.</summary>
/// <param name="Text">The text's number.</param>
/// <param name="First">Position of its first row.</param>
/// <param name="Rows">How many it has.</param>
internal readonly record struct Stretch(int Text, int First, int Rows);
