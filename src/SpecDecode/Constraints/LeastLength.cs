namespace SpecDecode.Constraints;

/// <summary>Masks the tokens that end a text until it has so many tokens.</summary>
/// <param name="tokens">New tokens that the text has at least, besides one that ends it.</param>
internal sealed class LeastLength(int tokens) : ITokenConstraint
{
    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context) => new State(tokens, context.EndOfText);

    private sealed class State(int left, IReadOnlySet<int> ends) : ITokenConstraintState
    {
        private readonly int[] _ends = [.. ends];
        private int _left = left;

        public void Advance(int token) => _left--;

        public void Rollback(int count) => _left += count;

        public void Process(Span<float> logits)
        {
            for (int i = 0; i < _ends.Length && _left > 0; i++)
            {
                if (_ends[i] < logits.Length)
                {
                    logits[_ends[i]] = float.NegativeInfinity;
                }
            }
        }

        public bool Allows(int token) => _left <= 0 || !ends.Contains(token);
    }
}
