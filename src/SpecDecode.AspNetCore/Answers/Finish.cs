using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>Ends of texts in OpenAI's words.</summary>
internal static class Finish
{
    /// <summary>The word.</summary>
    /// <exception cref="ApiException">The service ended the text: an answer that is not whole is none.</exception>
    public static string Word(GenerationResult result) => result.FinishReason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length or FinishReason.Deadline => "length",
        _ => throw ApiErrors.ShuttingDown(null),
    };

    /// <summary>A number for an answer.</summary>
    public static string NewId(string prefix) => prefix + Guid.NewGuid().ToString("N");
}
