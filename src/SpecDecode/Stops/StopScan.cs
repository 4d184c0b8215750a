using SpecDecode.Tokenizers;

namespace SpecDecode.Stops;

/// <summary>Looks for stop strings in the text of a sequence's new tokens, token by token as the step settles them.</summary>
/// <param name="rule">What stops the text.</param>
/// <param name="tokenizer">Makes text of tokens.</param>
/// <param name="prompt">The prompt's tokens.</param>
internal sealed class StopScan(StopRule rule, TextTokenizer tokenizer, ReadOnlyMemory<int> prompt)
{
    private TokenTextStream _text = tokenizer.CreateStream(prompt.Span);
    private int _count;
    private int _state;

    /// <summary>The stop string that was found; null while there is none.</summary>
    public string? Found { get; private set; }

    /// <summary>Whether a stop string is complete with a token.</summary>
    /// <param name="known">The new tokens that are committed.</param>
    /// <param name="place">How many tokens of the round were settled before it.</param>
    /// <param name="output">The tokens of the round that were settled, this one the last.</param>
    public bool Sees(ReadOnlySpan<int> known, int place, ReadOnlySpan<int> output)
    {
        int index = known.Length + place;
        if (_count != index)
        {
            // A step has failed behind tokens that were settled: from the beginning.
            _text = tokenizer.CreateStream(prompt.Span);
            (_count, _state, Found) = (0, StopStrings.Start, null);
            foreach (int token in known)
            {
                See(token);
            }

            for (int i = 0; i < place; i++)
            {
                See(output[i]);
            }
        }

        See(output[place]);
        return Found is not null;
    }

    private void See(int token)
    {
        _count++;
        foreach (char unit in _text.AppendUnits(token))
        {
            _state = rule.Strings.Next(_state, unit);
            if (_count > rule.MinTokens && Found is null)
            {
                Found = rule.Strings.Found(_state);
            }
        }
    }
}
