using System.Text.Json;
using LeadPipeline.Worker.Intake.Webhooks.Deferred;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks.Deferred;

public sealed class DeferredStepTests
{
    private static readonly DateTimeOffset Told = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);
    private static readonly DeferredEvent Waiting = new("hubspot", new ReferredLead("101", "7/101"), Told, Told, DeferredEvent.NoToken);

    [TestCase("""{"email":"ada@firm.example"}""", null)]
    [TestCase("""{"lastName":"Sample"}""", "no-email")]
    [TestCase(null, "gone")]
    public void Should_take_what_was_found_and_give_up_what_can_be_no_lead(string? lead, string? reason)
    {
        var found = new LookupResult.Found(lead is null ? new Dictionary<string, JsonElement>() : new Dictionary<string, JsonElement> { ["101"] = JsonElement.Parse(lead) });

        var step = DeferredStep.Decide(Waiting, found, MaxAge, Told);

        Assert.That(step, reason is null ? Is.TypeOf<DeferredStep.Take>() : Is.EqualTo(new DeferredStep.GiveUp(reason)));
    }

    [TestCase(0, "24:00", DeferredEvent.NoToken)]
    [TestCase(23, "01:00", DeferredEvent.NoToken)]
    [TestCase(24, null, DeferredEvent.NoToken)]
    public void Should_wait_for_a_token_and_not_for_ever(int hours, string? wait, string reason)
    {
        var now = Told.AddHours(hours);

        Assert.That(DeferredStep.Decide(Waiting, null, MaxAge, now), Is.EqualTo(Expected(wait, reason, now)));
    }

    [TestCase(0, null, "00:01", DeferredEvent.NotReadable)]
    [TestCase(0, 600, "00:10", DeferredEvent.NotReadable)]
    [TestCase(23, 36000, "01:00", DeferredEvent.NotReadable)]
    [TestCase(24, null, null, DeferredEvent.NotReadable)]
    public void Should_wait_as_long_as_the_sender_asks_and_not_for_ever(int hours, int? retryAfter, string? wait, string reason)
    {
        var now = Told.AddHours(hours);
        var trouble = new LookupResult.NotNow("the answer was 503", retryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null);

        Assert.That(DeferredStep.Decide(Waiting, trouble, MaxAge, now), Is.EqualTo(Expected(wait, reason, now)));
    }

    [Test]
    public void Should_not_ask_a_sender_without_pause_that_says_at_once() =>
        Assert.That(DeferredStep.Decide(Waiting, new LookupResult.NotNow("the answer was 429", TimeSpan.Zero), MaxAge, Told), Is.EqualTo(new DeferredStep.Wait(Told.AddSeconds(5), DeferredEvent.NotReadable)));

    [Test]
    public void Should_come_back_from_the_dead_letters_as_it_was()
    {
        var dead = Waiting.GivenUp("gone", Told);

        var again = DeferredEvent.Of(dead.Queue, dead.Message, Told.AddDays(3))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(dead.Queue, Is.EqualTo("webhooks/hubspot"));
            Assert.That(again.Id, Is.EqualTo(Waiting.Id));
            Assert.That(again.ReceivedAt, Is.EqualTo(Told.AddDays(3)), "its time begins anew");
        }
    }

    private static DeferredStep Expected(string? wait, string reason, DateTimeOffset now) =>
        wait?.Split(':') is [var hours, var minutes]
            ? new DeferredStep.Wait(now + new TimeSpan(int.Parse(hours, System.Globalization.CultureInfo.InvariantCulture), int.Parse(minutes, System.Globalization.CultureInfo.InvariantCulture), 0), reason)
            : new DeferredStep.GiveUp(reason);
}
