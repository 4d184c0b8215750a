using System.Runtime.InteropServices;

namespace SpecDecode.Constraints;

/// <summary>
/// Makes tokens that were written already less likely, in the order and by the formulas of vLLM and transformers: a logit above 0 is divided by the
/// repetition penalty and one below multiplied (CTRL, 1909.05858), for each token of prompt or output; then the frequency penalty is subtracted for each
/// time that the output has the token, and the presence penalty once.
/// </summary>
/// <param name="repetition">Above 0; 1 changes nothing.</param>
/// <param name="frequency">A number; 0 changes nothing.</param>
/// <param name="presence">A number; 0 changes nothing.</param>
/// <param name="window">Only so many of the last tokens count, prompt and output together; 0 is all of them.</param>
internal sealed class TokenPenalties(float repetition, float frequency, float presence, int window) : ITokenConstraint
{
    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context) => new State(repetition, frequency, presence, window, context.Prompt.Span);

    private struct Occurrences
    {
        public int All;
        public int Output;
    }

    private sealed class State : ITokenConstraintState
    {
        private readonly float _repetition;
        private readonly float _frequency;
        private readonly float _presence;
        private readonly int _window;
        private readonly int _promptLength;
        private readonly List<int> _tokens;
        private readonly Dictionary<int, Occurrences> _seen = [];

        public State(float repetition, float frequency, float presence, int window, ReadOnlySpan<int> prompt)
        {
            (_repetition, _frequency, _presence, _window, _promptLength) = (repetition, frequency, presence, window, prompt.Length);
            _tokens = new List<int>(prompt.Length + 1);
            foreach (int token in prompt)
            {
                Advance(token);
            }
        }

        public void Advance(int token)
        {
            _tokens.Add(token);
            Count(_tokens.Count - 1, 1);
            if (_window > 0 && _tokens.Count > _window)
            {
                Count(_tokens.Count - 1 - _window, -1);
            }
        }

        public void Rollback(int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (_window > 0 && _tokens.Count > _window)
                {
                    Count(_tokens.Count - 1 - _window, 1);
                }

                Count(_tokens.Count - 1, -1);
                _tokens.RemoveAt(_tokens.Count - 1);
            }
        }

        public void Process(Span<float> logits)
        {
            foreach ((int token, Occurrences times) in _seen)
            {
                if (times.All == 0 || token >= logits.Length)
                {
                    continue;
                }

                float logit = logits[token];
                logit = logit > 0 ? logit / _repetition : logit * _repetition;
                logits[token] = times.Output == 0 ? logit : logit - _frequency * times.Output - _presence;
            }
        }

        private void Count(int index, int change)
        {
            ref Occurrences times = ref CollectionsMarshal.GetValueRefOrAddDefault(_seen, _tokens[index], out _);
            times.All += change;
            times.Output += index >= _promptLength ? change : 0;
        }
    }
}
