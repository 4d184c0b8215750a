namespace SpecDecode.GpuCheck;

/// <summary>Beginnings of stories, for the story model.</summary>
internal static class Prompts
{
    public static IReadOnlyList<string> All { get; } =
    [
        "Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.",
        "Lily and her mom went to the market to buy apples.", "One day, a boy found a key under the big tree.",
        "There was a small boat on the lake.", "Mia liked to draw. She drew a house and", "\"Can I have a cake?\" asked Ben.",
    ];
}
