using SpecDecode.Grammars;

namespace SpecDecode.Constraints;

/// <summary>Masks the tokens that a grammar does not allow next, and has those proposed that must follow.</summary>
/// <param name="grammar">The grammar.</param>
internal sealed class GrammarConstraint(Grammar grammar) : ITokenConstraint
{
    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context)
    {
        if (context.Tokenizer is not { } tokenizer)
        {
            throw new SpecDecodeException("The model has no tokenizer that can be used, so its text cannot be held to a grammar: leave the grammar out.");
        }

        if (context.EndOfText.Count == 0)
        {
            throw new SpecDecodeException(
                "No token ends the text, so it cannot end where its grammar does: do not ignore the end of sequence, or give a stop token.");
        }

        return new State(grammar.For(GrammarVocabularies.Of(tokenizer, context.VocabularySize, context.EndOfText)));
    }

    /// <summary>What follows one text by a grammar over a vocabulary that is not the model's tokenizer's, for measuring.</summary>
    /// <param name="grammar">The grammar over the vocabulary, which has as many tokens as the model.</param>
    internal static ITokenConstraintState Over(TokenGrammar grammar) => new State(grammar);

    private sealed class State(TokenGrammar grammar) : ITokenConstraintState
    {
        private readonly GrammarMatcher _matcher = grammar.CreateMatcher();
        private readonly ulong[] _mask = new ulong[grammar.Vocabulary.MaskLength];

        // Tokens behind the first one that may not come there; they will be taken back.
        private int _strays;

        public void Advance(int token)
        {
            if (_strays > 0 || !_matcher.TryAdvance(token))
            {
                _strays++;
            }
        }

        public void Rollback(int count)
        {
            int strays = Math.Min(count, _strays);
            _strays -= strays;
            _matcher.Rollback(count - strays);
        }

        public void Process(Span<float> logits)
        {
            // Behind a stray token, or behind the end, nothing is asked that counts.
            if (_strays > 0 || _matcher.IsEnded)
            {
                return;
            }

            if (!_matcher.FillMask(_mask))
            {
                throw new GrammarException("No token of the model's vocabulary continues the text as its grammar asks; the vocabulary lacks what must follow.");
            }

            LogitMask.Apply(_mask, logits);
        }

        public bool Allows(int token) => _strays > 0 || _matcher.IsEnded || _matcher.Allows(token);

        public int Forced(Span<int> tokens) => _strays > 0 ? 0 : _matcher.Forced(tokens);
    }
}
