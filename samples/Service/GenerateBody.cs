using System.Text.Json.Serialization;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace Service;

/// <summary>The body of POST /generate. What is left out is as configured; a field that does not exist is a mistake.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record GenerateBody
{
    public const string Fields = "prompt or messages, and as wanted dropOldest, maxTokens, temperature, topK, topP, minP, seed and draftLength";

    public string? Prompt { get; init; }

    public IReadOnlyList<MessageBody?>? Messages { get; init; }

    /// <summary>Whether the oldest turns of a conversation that is too long are left out.</summary>
    public bool DropOldest { get; init; }

    public int? MaxTokens { get; init; }

    public float? Temperature { get; init; }

    public int? TopK { get; init; }

    public float? TopP { get; init; }

    public float? MinP { get; init; }

    public long? Seed { get; init; }

    /// <summary>0 switches drafting off for this request.</summary>
    public int? DraftLength { get; init; }

    public GenerationRequest ToRequest(GenerationDefaults defaults)
    {
        if (DraftLength > 0 && defaults.Drafting.IsNone)
        {
            throw new BadHttpRequestException("DraftLength is given, but drafting is switched off here (SpecDecode:Drafting:Strategy is none): leave it out.");
        }

        if (DraftLength > 0 && defaults.Drafting is { Strategy: null, Profile: not null })
        {
            throw new BadHttpRequestException("DraftLength is given, but a profile says here how long drafts are (SpecDecode:Drafting:Profile): leave it out.");
        }

        return new GenerationRequest
        {
            Prompt = Prompt,
            Messages = Messages is null ? null : [.. Messages.Select(MessageBody.ToMessage)],
            Overflow = DropOldest ? ChatOverflow.DropOldest : ChatOverflow.Refuse,
            MaxTokens = MaxTokens,
            Sampling = defaults.Sampling with
            {
                Temperature = Temperature ?? defaults.Sampling.Temperature,
                TopK = TopK ?? defaults.Sampling.TopK,
                TopP = TopP ?? defaults.Sampling.TopP,
                MinP = MinP ?? defaults.Sampling.MinP,
                Seed = Seed,
            },
            Drafting = DraftLength switch
            {
                null => null,
                0 => DraftingOptions.None,
                { } length => defaults.Drafting with { DraftLength = length },
            },
        };
    }
}
