using System.Globalization;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace QuickStart;

/// <summary>Writes a story as it comes, and what came of drafting it.</summary>
internal static class Story
{
    private const string Green = "\e[32m";
    private const string Normal = "\e[0m";

    // Colour only where a person looks at it, and none where that person has said so (no-color.org).
    private static readonly bool HasColour =
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public static async Task TellAsync(ITextGenerator generator, GenerationRequest request, CancellationToken cancellationToken)
    {
        Console.Write(request.Prompt);
        await foreach (GenerationUpdate update in generator.GenerateAsync(request, cancellationToken))
        {
            bool isDraft = HasColour && update.Source == TokenSource.AcceptedDraft;
            Console.Write(isDraft ? Green + update.Text + Normal : update.Text);
        }

        Console.WriteLine();
    }

    public static void WriteTable(IReadOnlyList<GenerationResult> plain, IReadOnlyList<GenerationResult> speculative)
    {
        static double Speed(IReadOnlyList<GenerationResult> results) =>
            results.Select(result => result.TokensPerSecond ?? 0).Order().ElementAt(results.Count / 2);

        if (HasColour)
        {
            Console.WriteLine($"({Green}green{Normal}: drafted by the first layers, accepted by all of them)");
        }

        DraftingStatistics drafting = speculative[0].Drafting;
        string positions = string.Join("  ", drafting.AcceptedPerPosition.Select((count, i) => $"{i + 1}: {count}"));
        string same = plain[0].Tokens.SequenceEqual(speculative[0].Tokens) ? "yes" : "no";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""

            plain                 {Speed(plain),8:f1} tokens/s
            speculative           {Speed(speculative),8:f1} tokens/s, {Speed(speculative) / Speed(plain):f2} times as fast
            same text             {same,8}
            acceptance rate       {drafting.AcceptanceRate,8:p0} of {drafting.Drafted} drafted tokens
            tokens a round        {drafting.MeanAcceptanceLength,8:f2}
            accepted by position  {positions}
            """));
    }
}
