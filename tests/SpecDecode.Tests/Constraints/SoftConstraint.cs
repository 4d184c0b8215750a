using SpecDecode.Constraints;

namespace SpecDecode.Tests.Constraints;

/// <summary>Makes some tokens less likely, others each time, by what was written: text stays text.</summary>
internal sealed class SoftConstraint(int seed) : ITokenConstraint
{
    public ITokenConstraintState Begin(TokenConstraintContext context) => new State(seed);

    private sealed class State(int seed) : ITokenConstraintState
    {
        private readonly Stack<int> _sums = new([seed]);

        public void Advance(int token) => _sums.Push((_sums.Peek() * 31 + token) & 0xFFFF);

        public void Rollback(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _sums.Pop();
            }
        }

        public void Process(Span<float> logits)
        {
            for (int token = _sums.Peek() % 5; token < logits.Length; token += 5)
            {
                logits[token] -= 2;
            }
        }
    }
}
