using LeadPipeline.TestKit;
using LeadPipeline.Worker.Ops.Jwt;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.Ops.Jwt;

public sealed class IssuerKeysTests
{
    private readonly FakeTimeProvider time = new();
    private TestIssuer issuer = null!;
    private HttpClient http = null!;
    private IssuerKeys keys = null!;

    [SetUp]
    public async Task StartAsync()
    {
        issuer = await TestIssuer.StartAsync();
        issuer.AddRsa("first");
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        keys = new IssuerKeys(http, issuer.JwksUri, time, NullLogger<IssuerKeys>.Instance);
    }

    [TearDown]
    public async Task StopAsync()
    {
        http.Dispose();
        await issuer.DisposeAsync();
    }

    [Test]
    public async Task Asks_once_for_all_that_ask_at_once_and_keeps_the_answer()
    {
        var known = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PrepareAsync("first")));
        var again = await PrepareAsync("first");

        Assert.That((known.All(k => k), again, issuer.Asked), Is.EqualTo((true, true, 1)));
    }

    [Test]
    public async Task Asks_again_for_a_key_that_is_not_known_but_not_at_every_wish()
    {
        _ = await PrepareAsync("first");
        issuer.AddRsa("second");

        for (var i = 0; i < 10; i++)
            _ = await PrepareAsync($"guessed-{i}");
        var early = keys.Known.Count;
        time.Advance(IssuerKeys.Pause);
        var found = await PrepareAsync("second");

        Assert.That((early, found, keys.Known.Count, issuer.Asked), Is.EqualTo((1, true, 2, 2)));
    }

    [Test]
    public async Task Says_that_a_key_is_not_the_issuers_when_the_issuer_was_asked()
    {
        Assert.That(await PrepareAsync("unheard-of"), Is.True);
        Assert.That(keys.Known.Select(k => k.Kid), Is.EqualTo(new[] { "first" }));
    }

    [TestCase(IssuerMood.Fails)]
    [TestCase(IssuerMood.TalksNonsense)]
    [TestCase(IssuerMood.SendsElsewhere)]
    [TestCase(IssuerMood.HasNoKeys)]
    public async Task Says_that_it_cannot_know_while_the_issuer_is_away_and_recovers_by_itself(object mood)
    {
        issuer.Mood = (IssuerMood)mood;

        var away = await PrepareAsync("first");
        issuer.Mood = IssuerMood.Answers;
        var tooSoon = await PrepareAsync("first");
        time.Advance(IssuerKeys.Patience);
        var back = await PrepareAsync("first");

        Assert.That((away, tooSoon, back), Is.EqualTo((false, false, true)));
    }

    [Test]
    public async Task Does_not_wait_for_an_issuer_that_never_answers()
    {
        issuer.Mood = IssuerMood.NeverAnswers;

        var asking = PrepareAsync("first");
        await issuer.SomebodyAsked.Task;
        time.Advance(IssuerKeys.Patience);

        Assert.That(await asking, Is.False);
    }

    [Test]
    public async Task Keeps_known_keys_while_the_issuer_is_away()
    {
        _ = await PrepareAsync("first");
        issuer.Mood = IssuerMood.Fails;
        time.Advance(IssuerKeys.FreshFor);

        var known = await PrepareAsync("first");
        await Eventually.ShouldAsync(() => Task.FromResult(issuer.Asked == 2), "ask again in the background");
        var other = await PrepareAsync("second");

        Assert.That((known, other, keys.Known.Count), Is.EqualTo((true, false, 1)));
    }

    [Test]
    public async Task Forgets_a_key_that_the_issuer_withdrew()
    {
        _ = await PrepareAsync("first");
        issuer.AddRsa("second");
        issuer.Remove("first");
        time.Advance(IssuerKeys.FreshFor);

        _ = await PrepareAsync("first");
        await Eventually.ShouldAsync(() => Task.FromResult(keys.Known.All(k => k.Kid == "second")), "take over the new set");

        Assert.That(keys.Known, Has.Count.EqualTo(1));
    }

    private Task<bool> PrepareAsync(string? kid) => keys.TryPrepareAsync(kid, CancellationToken.None);
}
