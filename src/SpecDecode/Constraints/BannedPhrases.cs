namespace SpecDecode.Constraints;

/// <summary>
/// Masks the last token of a phrase where the output ends with the tokens before it, as transformers' and vLLM's <c>bad_words</c> do. A phrase is
/// banned as its tokens, with and without a space before it; another way to cut the same text into tokens stays possible.
/// </summary>
/// <param name="phrases">Tokens of each phrase, at least one.</param>
internal sealed class BannedPhrases(IReadOnlyList<int[]> phrases) : ITokenConstraint
{
    private readonly int _longest = phrases.Max(phrase => phrase.Length);

    /// <summary>The tokens of phrases.</summary>
    /// <param name="texts">The phrases, not empty.</param>
    /// <param name="encode">Makes tokens of a text, without special ones.</param>
    public static BannedPhrases Of(IEnumerable<string> texts, Func<string, int[]> encode)
    {
        HashSet<string> known = [];
        List<int[]> phrases = [];
        foreach (string text in texts)
        {
            string bare = text.TrimStart(' ');
            foreach (string variant in (string[])[bare, " " + bare])
            {
                int[] tokens = variant.Length == 0 ? [] : encode(variant);
                if (tokens.Length > 0 && known.Add(string.Join(',', tokens)))
                {
                    phrases.Add(tokens);
                }
            }
        }

        return new BannedPhrases(phrases);
    }

    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context) => new State(phrases, _longest);

    private sealed class State(IReadOnlyList<int[]> phrases, int longest) : ITokenConstraintState
    {
        // The output; its beginning is dropped now and then, as only the tail matters.
        private readonly List<int> _tokens = new(2 * (longest + ITokenConstraintState.MaxRollback));

        public void Advance(int token)
        {
            if (_tokens.Count == _tokens.Capacity)
            {
                _tokens.RemoveRange(0, _tokens.Count - longest - ITokenConstraintState.MaxRollback);
            }

            _tokens.Add(token);
        }

        public void Rollback(int count) => _tokens.RemoveRange(_tokens.Count - count, count);

        public void Process(Span<float> logits)
        {
            for (int i = 0; i < phrases.Count; i++)
            {
                int[] phrase = phrases[i];
                if (phrase[^1] < logits.Length && Precedes(phrase))
                {
                    logits[phrase[^1]] = float.NegativeInfinity;
                }
            }
        }

        public bool Allows(int token)
        {
            for (int i = 0; i < phrases.Count; i++)
            {
                if (phrases[i][^1] == token && Precedes(phrases[i]))
                {
                    return false;
                }
            }

            return true;
        }

        private bool Precedes(int[] phrase)
        {
            int before = phrase.Length - 1;
            if (before > _tokens.Count)
            {
                return false;
            }

            for (int i = 0; i < before; i++)
            {
                if (_tokens[_tokens.Count - before + i] != phrase[i])
                {
                    return false;
                }
            }

            return true;
        }
    }
}
