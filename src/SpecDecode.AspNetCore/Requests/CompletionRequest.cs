using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;
using SpecDecode.Tokenizers;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>Prompts to be continued as the engine takes them.</summary>
/// <param name="Requests">A request for each prompt.</param>
/// <param name="Choices">How many texts each is to have.</param>
/// <param name="Echoes">What stands before each prompt's texts: the prompt, where that is asked for.</param>
internal sealed record CompletionRequest(IReadOnlyList<GenerationRequest> Requests, int Choices, IReadOnlyList<string> Echoes)
{
    /// <summary>Makes it of a body.</summary>
    /// <exception cref="ApiException">A field is wrong, or not served.</exception>
    public static CompletionRequest Of(CompletionBody body, ITextGenerator generator, SpecDecodeEndpointOptions options)
    {
        if (body.BestOf is { } bestOf && (bestOf < (body.N ?? 1) || bestOf > options.MaxChoices || (body.Stream == true && bestOf != (body.N ?? 1))))
        {
            throw ApiException.Invalid("best_of", $"'best_of' is {bestOf}: give as many as 'n', or without a stream more, at most {options.MaxChoices} (MaxChoices).");
        }

        if (body.BestOf > (body.N ?? 1) && body.IncludeTokens == true)
        {
            throw ApiException.Unsupported("include_tokens", "How tokens came is not told of texts that were chosen with 'best_of': leave one of them out.");
        }

        int? top = RequestBuilder.LogProbabilities("logprobs", body.Logprobs);
        GenerationRequest request = RequestBuilder.Build(body, generator.Defaults, ("max_tokens", body.MaxTokens), options) with
        {
            LogProbabilities = top,
            PromptLogProbabilities = body.Echo == true ? top : null,
        };
        List<GenerationRequest> prompts = Prompts(body.Prompt, request, options.MaxChoices);
        int choices = RequestBuilder.CountChoices(body.N, prompts.Count, options.MaxChoices);
        RequestBuilder.CheckTexts(
            prompts.Count > generator.Model.MaxTexts ? "prompt" : body.BestOf > choices ? "best_of" : "n", (long)Math.Max(choices, body.BestOf ?? 0) * prompts.Count, generator.Model);
        prompts = [.. prompts.Select(prompt => prompt with { Choices = choices, BestOf = body.BestOf > choices ? body.BestOf : null })];
        return new CompletionRequest(prompts, choices, [.. prompts.Select(prompt => body.Echo == true ? Text(prompt, generator.Tokenizer) : "")]);
    }

    /// <summary>The first token of the prompt of a text, by the text's index.</summary>
    public int FirstToken(int choice, TextTokenizer? tokenizer)
    {
        GenerationRequest request = Requests[choice / Choices];
        return request.Tokens is { } tokens ? tokens[0] : tokenizer!.Encode(request.Prompt!)[0];
    }

    private static List<GenerationRequest> Prompts(JsonElement? prompt, GenerationRequest request, int most)
    {
        if (prompt is not { } given || given.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            throw ApiException.Invalid("prompt", "'prompt' must be a text, an array of token ids, or an array of either.");
        }

        if (given.ValueKind == JsonValueKind.String)
        {
            return [request with { Prompt = given.GetString() }];
        }

        if (given.GetArrayLength() == 0)
        {
            throw ApiException.Invalid("prompt", "'prompt' is an empty array: give one prompt at least.");
        }

        if (given[0].ValueKind == JsonValueKind.Number)
        {
            return [request with { Tokens = Tokens(given, "prompt") }];
        }

        if (given.GetArrayLength() > most)
        {
            RequestBuilder.CountChoices(1, given.GetArrayLength(), most);
        }

        int number = 0;
        List<GenerationRequest> prompts = [];
        foreach (JsonElement one in given.EnumerateArray())
        {
            string place = $"prompt[{number++}]";
            prompts.Add(one.ValueKind switch
            {
                JsonValueKind.String => request with { Prompt = one.GetString() },
                JsonValueKind.Array => request with { Tokens = Tokens(one, place) },
                _ => throw ApiException.Invalid(place, $"'{place}' must be a text or an array of token ids."),
            });
        }

        return prompts;
    }

    private static int[] Tokens(JsonElement array, string place)
    {
        int[] tokens = new int[array.GetArrayLength()];
        int number = 0;
        foreach (JsonElement token in array.EnumerateArray())
        {
            tokens[number] = token.ValueKind == JsonValueKind.Number && token.TryGetInt32(out int id) && id >= 0 ? id
                : throw ApiException.Invalid($"{place}[{number}]", $"'{place}[{number}]' must be a token id: a whole number, 0 or more.");
            number++;
        }

        return tokens;
    }

    private static string Text(GenerationRequest request, TextTokenizer? tokenizer) => request.Prompt
        ?? (tokenizer ?? throw ApiException.Unsupported("echo", "'echo' is given with token ids, and this model has no tokenizer: leave it out.")).Decode([.. request.Tokens!]);
}
