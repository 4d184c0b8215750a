using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.LayerSearch;

/// <summary>A service that searches: requests come at any time, are cancelled, need the memory that texts keep, and the service stops in the middle.</summary>
public sealed class SearchingServiceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_get_their_texts_and_their_memory_whatever_is_searched_meanwhile()
    {
        // Room for two long texts: what is kept must go when the next one comes.
        using ScriptedService service = new(maxSequences: 4, kvBytes: 16 * 4 * 220, searchShare: 0.2);
        Random random = new(3);
        bool isAnyKept = false;
        for (int turn = 0; turn < 40; turn++)
        {
            GenerationRequest[] requests =
            [
                .. Enumerable.Range(0, random.Next(1, 5)).Select(i => ScriptedService.Request(turn * 10 + i, random.Next(1, 20), random.Next(20, 80)) with
                {
                    Drafting = new DraftingOptions { Strategy = DraftingStrategy.Swift, DraftLength = random.Next(1, 12) },
                }),
            ];
            GenerationResult[] results = await Task.WhenAll(requests.Select(request => service.Generator.CompleteAsync(request, Cancellation)));
            Assert.Equal(requests.Select(ScriptedService.Expected), results.Select(result => result.Tokens));
            isAnyKept |= service.Loop is { LiveCount: 0, KvReservedBytes: > 0 };
            await Task.Delay(random.Next(3), Cancellation);
        }

        // A search that has come to rest keeps nothing more.
        Assert.True(isAnyKept || service.Spare!.State!.Tried > 0, $"No text was kept: {service.Spare!.State}, {service.Spare.Error}");
        service.Dispose();
        Assert.Equal(0, service.Loop.KvReservedBytes);
        Assert.Equal(0, service.Faulty.Pages.Used);
    }

    [Fact]
    public async Task A_service_that_searches_stops_when_it_is_asked_to()
    {
        using ScriptedService service = new(searchShare: 0);
        DraftingOptions swift = new() { Strategy = DraftingStrategy.Swift };
        for (int i = 0; i < 4; i++)
        {
            await service.Generator.CompleteAsync(ScriptedService.Request(i, maxTokens: 90) with { Drafting = swift }, Cancellation);
        }

        await ScriptedService.Eventually(() => service.Spare!.State?.Tried > 0 || service.Spare.Error is not null);
        Assert.Null(service.Spare!.Error);
        await service.Loop.StopAsync(Cancellation);
        Assert.Equal(0, service.Loop.KvReservedBytes);
        Assert.Equal(0, service.Faulty.Pages.Used);
    }
}
