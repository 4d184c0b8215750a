using SpecDecode.ChatTemplates;
using SpecDecode.Models;

namespace SpecDecode.Generation;

/// <summary>Makes prompts of conversations, within the length of a model's sequences. Has no state; safe for concurrent use.</summary>
/// <param name="chat">What the model has for conversations.</param>
/// <param name="maxLength">The longest sequence.</param>
internal sealed class ChatIntake(ModelChat chat, int maxLength)
{
    /// <summary>The prompt of a request's messages, which leaves room for a new token at least, and how many messages are not in it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxTokens">New tokens that it asks for.</param>
    /// <param name="cancellationToken">Stops the template.</param>
    /// <exception cref="SpecDecodeException">The model takes no messages, the template refuses these, or they are too long.</exception>
    public (int[] Tokens, int DroppedMessages) Encode(GenerationRequest request, int maxTokens, CancellationToken cancellationToken)
    {
        ChatTokenizer tokenizer = chat.Require();
        ChatTurns turns = new(request.Messages!);
        return request.Overflow switch
        {
            ChatOverflow.DropOldest => DropOldest(),
            _ => (TryEncode(0, maxLength - 1) ?? throw TooLong(0), 0),
        };

        int[]? TryEncode(int dropped, int limit) => tokenizer.TryEncode(Input(request, turns.Without(dropped)), limit, cancellationToken);

        // Room for all new tokens that are asked for, if the last turn leaves that; else for half of a sequence; else for one.
        (int[] Tokens, int DroppedMessages) DropOldest()
        {
            int before = int.MaxValue;
            foreach (int room in (ReadOnlySpan<int>)[maxTokens, maxLength / 2, 1])
            {
                if (room < before && room < maxLength && Shorten(maxLength - room) is { } fitting)
                {
                    return fitting;
                }

                before = Math.Min(before, room);
            }

            throw TooLong(turns.MostDropped);
        }

        // As few turns left out as are enough, found by halves; null where none are.
        (int[] Tokens, int DroppedMessages)? Shorten(int limit)
        {
            if (TryEncode(0, limit) is { } whole)
            {
                return (whole, 0);
            }

            (int few, int enough) = (0, turns.MostDropped);
            if (enough == 0 || TryEncode(enough, limit) is not { } tokens)
            {
                return null;
            }

            while (enough - few > 1)
            {
                int middle = few + ((enough - few) / 2);
                if (TryEncode(middle, limit) is { } fitting)
                {
                    (enough, tokens) = (middle, fitting);
                }
                else
                {
                    few = middle;
                }
            }

            return (tokens, turns.CountDropped(enough));
        }

        SpecDecodeException TooLong(int dropped)
        {
            int most = (int)Math.Min(int.MaxValue, 2L * maxLength);
            string length = TryEncode(dropped, most) is { } tokens ? $"{tokens.Length}" : $"more than {most}";
            return new SpecDecodeException(dropped == 0
                ? $"The conversation has {length} tokens and asks for {maxTokens} new ones (MaxTokens), but a sequence of this model holds {maxLength}, new tokens included. "
                    + (turns.MostDropped > 0 && request.Overflow == ChatOverflow.Refuse ? "Shorten it, or let its oldest turns be left out (Overflow: DropOldest)." : "Shorten it.")
                : $"Even without its {turns.CountDropped(dropped)} oldest messages the conversation has {length} tokens and asks for {maxTokens} new ones (MaxTokens), "
                    + $"but a sequence of this model holds {maxLength}, new tokens included. Shorten the last turn or the system message.");
        }
    }

    private static ChatTemplateInput Input(GenerationRequest request, IEnumerable<ChatMessage> messages) => ChatTemplateInput.Of(messages) with
    {
        Tools = request.Tools,
        Variables = request.TemplateVariables,
    };
}
