using SpecDecode.Constraints;

namespace SpecDecode.Tests.Constraints;

/// <summary>
/// A constraint that knows the whole text by its hash: what it masks, adds and forces depends on every token and on their order, so a token that it was not
/// told of, told twice or not taken back changes the text. It also checks what the interface promises.
/// </summary>
internal sealed class HashedConstraint(int seed, bool forces = true) : ITokenConstraint
{
    public ITokenConstraintState Begin(TokenConstraintContext context) => new State(seed, forces, context);

    private sealed class State : ITokenConstraintState
    {
        private readonly Stack<ulong> _hashes = [];
        private readonly int _vocabulary;
        private readonly bool _forces;

        public State(int seed, bool forces, TokenConstraintContext context)
        {
            _vocabulary = context.VocabularySize;
            _forces = forces;
            ulong hash = (ulong)seed * 0x9E3779B97F4A7C15;
            foreach (int token in context.Prompt.Span)
            {
                hash = Behind(hash, token);
            }

            _hashes.Push(hash);
        }

        public void Advance(int token) => _hashes.Push(Behind(_hashes.Peek(), token));

        public void Rollback(int count)
        {
            Assert.InRange(count, 1, Math.Min(_hashes.Count - 1, ITokenConstraintState.MaxRollback));
            for (int i = 0; i < count; i++)
            {
                _hashes.Pop();
            }
        }

        public void Process(Span<float> logits)
        {
            Assert.Equal(_vocabulary, logits.Length);
            ulong hash = _hashes.Peek();
            for (int token = 0; token < logits.Length; token++)
            {
                logits[token] = Allows(hash, token) ? logits[token] + ((hash >> (token % 40)) & 7) : float.NegativeInfinity;
            }
        }

        public bool Allows(int token) => Allows(_hashes.Peek(), token);

        public int Forced(Span<int> tokens)
        {
            ulong hash = _hashes.Peek();
            int count = 0;
            while (_forces && count < tokens.Length && IsForced(hash))
            {
                tokens[count] = Only(hash);
                hash = Behind(hash, tokens[count++]);
            }

            return count;
        }

        private static ulong Behind(ulong hash, int token) => (hash ^ ((ulong)token + 0x2545F4914F6CDD1D)) * 0xD1342543DE82EF95 + (hash >> 29);

        private static bool IsForced(ulong hash) => ((hash >> 17) & 3) != 0 && ((hash >> 40) & 7) < 5;

        private int Only(ulong hash) => (int)((hash >> 33) % (ulong)_vocabulary);

        private bool Allows(ulong hash, int token) =>
            token == Only(hash) || (!IsForced(hash) && (((hash ^ ((ulong)token * 0xBF58476D1CE4E5B9)) >> 23) & 3) != 0);
    }
}
