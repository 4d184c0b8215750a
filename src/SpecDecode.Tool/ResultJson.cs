using System.Text.Json;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Tool;

/// <summary>How a text has ended, and how probable its tokens were, as JSON.</summary>
internal static class ResultJson
{
    /// <summary>Writes why a text has ended, and at which stop.</summary>
    public static void WriteEnd(this Utf8JsonWriter json, GenerationResult result)
    {
        json.WriteString("finish_reason", JsonResult.Name(result.FinishReason));
        if (result.StopString is { } stop)
        {
            json.WriteString("stop", stop);
        }

        if (result.StopToken is { } token)
        {
            json.WriteNumber("stop_token", token);
        }
    }

    /// <summary>Writes the log probabilities that there are.</summary>
    public static void WriteLogProbabilities(this Utf8JsonWriter json, GenerationResult result)
    {
        Write(json, "logprobs", result.LogProbabilities);
        Write(json, "prompt_logprobs", result.PromptLogProbabilities);
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<TokenLogProbability>? tokens)
    {
        if (tokens is null)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (TokenLogProbability token in tokens)
        {
            json.WriteStartObject();
            Write(json, token.Token, token.LogProbability);
            json.WriteStartArray("top");
            foreach (TokenProbability top in token.Top)
            {
                json.WriteStartObject();
                Write(json, top.Token, top.LogProbability);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // JSON has no infinity.
    private static void Write(Utf8JsonWriter json, int token, float logProbability)
    {
        json.WriteNumber("token", token);
        if (float.IsFinite(logProbability))
        {
            json.WriteNumber("logprob", Math.Round((double)logProbability, 6));
        }
        else
        {
            json.WriteNull("logprob");
        }
    }
}
