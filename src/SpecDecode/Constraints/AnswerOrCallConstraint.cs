using System.Numerics.Tensors;
using System.Text.Json;
using SpecDecode.Grammars;
using SpecDecode.Replies;

namespace SpecDecode.Constraints;

/// <summary>
/// Holds a reply to one of two forms, of which the model takes one by how it begins: an answer by a grammar, or a call of a tool as the model's family writes it,
/// with arguments of the tool's schema. There is no other text, and no reasoning.
/// </summary>
/// <remarks>A reply has one call, or several where its family writes them in one array.</remarks>
public sealed class AnswerOrCallConstraint : ITokenConstraint
{
    private readonly GrammarConstraint _answer;
    private readonly ToolCallConstraint _call;

    private AnswerOrCallConstraint(GrammarConstraint answer, ToolCallConstraint call)
    {
        _answer = answer;
        _call = call;
    }

    /// <summary>Makes a constraint.</summary>
    /// <param name="format">How the model writes.</param>
    /// <param name="tools">An array of objects of the type function, as chat completion interfaces have them.</param>
    /// <param name="answer">What an answer may be.</param>
    /// <returns>The constraint; null for formats without calls, and for gpt-oss, whose replies begin with what is neither.</returns>
    /// <exception cref="SpecDecodeException">There are no tools, or the schema of one is damaged or has what cannot be honoured.</exception>
    public static AnswerOrCallConstraint? Of(ReplyFormat format, JsonElement tools, Grammar answer)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(answer);
        return format.ToolCalls != ToolCallSyntax.Harmony && ToolCallConstraint.Of(format, tools, allowMultipleCalls: false) is { } call
            ? new AnswerOrCallConstraint(new GrammarConstraint(answer), call) : null;
    }

    /// <inheritdoc/>
    public ITokenConstraintState Begin(TokenConstraintContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new State(_answer.Begin(context), _call.BeginCall(context), context.VocabularySize);
    }

    private sealed class State(ITokenConstraintState answer, ITokenConstraintState call, int vocabularySize) : ITokenConstraintState
    {
        private readonly float[] _logitsOfCall = new float[vocabularySize];
        private int _count;

        // How many tokens each of them has come with; one that has come with all of them may still be it.
        private int _answerCount, _callCount;

        private bool IsAnswer => _answerCount == _count;

        private bool IsCall => _callCount == _count;

        public void Advance(int token)
        {
            // One that is left alone stays, and knows what to make of tokens that it does not have.
            bool isAnswer = IsAnswer && (!IsCall || answer.Allows(token)), isCall = IsCall && (!IsAnswer || call.Allows(token));
            _count++;
            if (isAnswer)
            {
                answer.Advance(token);
                _answerCount++;
            }

            if (isCall)
            {
                call.Advance(token);
                _callCount++;
            }
        }

        public void Rollback(int count)
        {
            _count -= count;
            TakeBack(answer, ref _answerCount);
            TakeBack(call, ref _callCount);
        }

        public void Process(Span<float> logits)
        {
            if (!IsAnswer)
            {
                // Behind a token that neither has, nothing is asked that counts.
                if (IsCall)
                {
                    call.Process(logits);
                }

                return;
            }

            if (!IsCall)
            {
                answer.Process(logits);
                return;
            }

            Span<float> ofCall = _logitsOfCall.AsSpan(0, logits.Length);
            logits.CopyTo(ofCall);
            call.Process(ofCall);
            answer.Process(logits);
            TensorPrimitives.Max(logits, ofCall, logits);
        }

        public bool Allows(int token) => (!IsAnswer && !IsCall) || (IsAnswer && answer.Allows(token)) || (IsCall && call.Allows(token));

        public int Forced(Span<int> tokens) => IsAnswer == IsCall ? 0 : IsAnswer ? answer.Forced(tokens) : call.Forced(tokens);

        private void TakeBack(ITokenConstraintState of, ref int count)
        {
            if (count > _count)
            {
                of.Rollback(count - _count);
                count = _count;
            }
        }
    }
}
