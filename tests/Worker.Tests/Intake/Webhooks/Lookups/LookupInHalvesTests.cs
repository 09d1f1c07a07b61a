using System.Globalization;
using System.Text.Json;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks.Lookups;

public sealed class LookupInHalvesTests
{
    private static readonly string[] Ids = [.. Enumerable.Range(1, 100).Select(i => i.ToString(CultureInfo.InvariantCulture))];

    [Test]
    public async Task Should_ask_once_when_all_is_well()
    {
        var sender = new Sender(id => Found);

        var answers = await sender.FindEachAsync(Ids, CancellationToken.None);

        Assert.That((answers.Values.Count(a => a is LookupResult.Found), sender.Questions), Is.EqualTo((100, 1)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Should_have_an_answer_for_all_but_the_one_that_has_none(bool throws)
    {
        var sender = new Sender(id => id != "42" ? Found : throws ? throw new JsonException() : new LookupResult.NotNow("the answer was 403"));

        var answers = await sender.FindEachAsync(Ids, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Where(a => a.Value is not LookupResult.Found).Select(a => a.Key), Is.EqualTo(new[] { "42" }));
            Assert.That(answers.Keys, Is.EquivalentTo(Ids));
            Assert.That(sender.Questions, Is.LessThan(20));
        }
    }

    [TestCase(null, 12)]
    [TestCase(30, 1)]
    public async Task Should_leave_a_sender_alone_that_answers_nothing(int? retryAfter, int questions)
    {
        var sender = new Sender(_ => new LookupResult.NotNow("no", retryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null));

        var answers = await sender.FindEachAsync(Ids, CancellationToken.None);

        Assert.That((answers.Values.Count(a => a is LookupResult.NotNow), sender.Questions), Is.EqualTo((100, questions)));
    }

    private static readonly LookupResult Found = new LookupResult.Found(new Dictionary<string, JsonElement>());

    private sealed class Sender(Func<string, LookupResult> answer) : ILeadLookup
    {
        public int Questions { get; private set; }

        public Task<LookupResult> FindAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
        {
            Questions++;
            var answers = ids.Select(answer).ToList();
            return Task.FromResult(answers.Find(a => a is LookupResult.NotNow) ?? answers[0]);
        }
    }
}
