using SpecDecode.Drafting;
using SpecDecode.Sequences;
using SpecDecode.Stops;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>One text of a request on its way to its reader: tokens become updates.</summary>
/// <param name="feed">Its tokens.</param>
/// <param name="choice">Which of the request's texts it is, from 0.</param>
/// <param name="accepted">The request.</param>
/// <param name="tokenizer">The model's; null where there is none.</param>
internal sealed class UpdateReader(TokenFeed feed, int choice, AcceptedRequest accepted, TextTokenizer? tokenizer)
{
    private readonly StopText? _text = accepted.Text(feed.Sequence, tokenizer);
    private int _read;

    /// <summary>Whether its last update was read.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The text.</summary>
    public Sequence Sequence => feed.Sequence;

    /// <summary>Reads the next update, if there is one; the last one has the result, also that of a text that has failed.</summary>
    public bool TryRead(out GenerationUpdate update)
    {
        (int count, bool hasEnded) = feed.State;

        // The last token comes together with the result, if there is one and no error.
        Sequence sequence = feed.Sequence;
        if (_read < (hasEnded && sequence.Error is null ? count - 1 : count))
        {
            (int token, TokenSource source) = feed[_read];
            update = Update(token, source, _text?.Append(token) ?? "");
            _read++;
            return true;
        }

        update = default;
        if (!hasEnded || HasEnded)
        {
            return false;
        }

        HasEnded = true;
        if (_read < count)
        {
            (int token, TokenSource source) = feed[_read];
            update = Update(token, source, sequence.StopToken is null ? _text?.Append(token) ?? "" : "");
        }

        update = update with { Choice = choice, Text = update.Text + _text?.Flush(), Result = accepted.ResultOf(sequence, tokenizer) };
        return true;
    }

    private GenerationUpdate Update(int token, TokenSource source, string text) => new()
    {
        Choice = choice, Token = token, Source = source, Text = text, LogProbability = feed.Sequence.LogProbabilities?.Of(_read, token),

        // The prompt has been read by then.
        PromptLogProbabilities = _read == 0 ? GenerationResult.LogOfPrompt(feed.Sequence) : null,
    };
}
