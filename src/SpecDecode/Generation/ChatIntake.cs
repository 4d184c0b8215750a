using SpecDecode.ChatTemplates;
using SpecDecode.Models;

namespace SpecDecode.Generation;

/// <summary>Makes prompts of conversations, within the length of a model's sequences. Has no state; safe for concurrent use.</summary>
/// <param name="chat">What the model has for conversations.</param>
/// <param name="maxLength">The longest sequence.</param>
/// <param name="affordable">The longest sequence whose keys and values may be in memory; turns are left out for that, too.</param>
internal sealed class ChatIntake(ModelChat chat, int maxLength, int affordable)
{
    // Tokens that are counted of a conversation that is too long, to say how many they are.
    private readonly int _mostCounted = (int)Math.Min(int.MaxValue, 2L * maxLength);

    /// <summary>The prompt of a request's messages, which leaves room for a new token at least, and how many messages are not in it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxTokens">New tokens that it asks for.</param>
    /// <param name="cancellationToken">Stops the template.</param>
    /// <exception cref="SpecDecodeException">The model takes no messages, the template refuses these, or they are too long.</exception>
    public (int[] Tokens, int DroppedMessages) Encode(GenerationRequest request, int maxTokens, CancellationToken cancellationToken)
    {
        ChatTokenizer tokenizer = chat.Require();
        ChatTurns turns = new(request.Messages!);
        bool drops = request.Overflow == ChatOverflow.DropOldest && turns.MostDropped > 0;
        int longest = drops ? Math.Min(maxLength, affordable) : maxLength;
        int[]? whole = TryEncode(0, _mostCounted);
        if (Fits(whole, drops ? maxTokens : 1))
        {
            return (whole!, 0);
        }

        if (!drops)
        {
            throw new SpecDecodeException(
                $"The conversation has {Count(whole)} tokens and asks for {maxTokens} new ones (MaxTokens), but a sequence of this model holds {maxLength}, new tokens included. "
                + (turns.MostDropped > 0 ? "Shorten it, or let its oldest turns be left out (Overflow: DropOldest)." : "Shorten it."));
        }

        // Room for all new tokens that are asked for, if the last turn leaves that; else for half of a sequence; else for one.
        int[]? shortest = TryEncode(turns.MostDropped, _mostCounted);
        int half = Math.Max(1, Math.Min(maxTokens, longest / 2));
        int room = Fits(shortest, maxTokens) ? maxTokens : Fits(shortest, half) ? half : 0;
        return room > 0 && Fits(whole, room) ? (whole!, 0)
            : room > 0 ? Shorten(longest - room)

            // What room there is, and none for what could be left out.
            : Fits(shortest, 1) ? (shortest!, turns.CountDropped(turns.MostDropped))
            : throw new SpecDecodeException(
                $"Even without its {turns.CountDropped(turns.MostDropped)} oldest messages the conversation has {Count(shortest)} tokens and asks for {maxTokens} new ones (MaxTokens), "
                + $"but a sequence of this model holds {longest}{(longest < maxLength ? " with the memory that is allowed for keys and values" : "")}, new tokens included. Shorten the last turn or the system message.");

        bool Fits(int[]? tokens, int room) => tokens is not null && tokens.Length + (long)room <= longest;

        int[]? TryEncode(int dropped, int limit) => tokenizer.TryEncode(Input(request, turns.Without(dropped)), limit, cancellationToken);

        // As few turns left out as are enough, found by halves; all but the last are.
        (int[] Tokens, int DroppedMessages) Shorten(int limit)
        {
            (int few, int enough, int[] tokens) = (0, turns.MostDropped, shortest!);
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
    }

    private string Count(int[]? tokens) => tokens is null ? $"more than {_mostCounted}" : $"{tokens.Length}";

    private static ChatTemplateInput Input(GenerationRequest request, IEnumerable<ChatMessage> messages) => ChatTemplateInput.Of(messages) with
    {
        Tools = request.Tools,
        Variables = request.TemplateVariables,
    };
}
