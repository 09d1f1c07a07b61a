using LeadPipeline.TestKit;
using Microsoft.Playwright;

namespace LeadPipeline.Browser.Tests;

/// <summary>Every page: readable for everybody, on a desk in the light and on a phone in the dark, and never at odds with its own content policy.</summary>
public sealed class When_people_look_at_pages : Browsing
{
    private static readonly string[] Pages =
    [
        "/ops", "/ops/leads", "/ops/leads?status=Erased", "/ops/leads/{completed}", "/ops/leads/{stopped}", "/ops/reviews", "/ops/reviews/{stopped}.1", "/ops/dead-letters", "/ops/dead-letters?state=erased",
        "/ops/dead-letters/preview?group={group}", "/ops/dead-letters/jobs/{job}", "/ops/approvals", "/ops/system", "/ops/nowhere",
    ];

    private static IEnumerable<TestCaseData> Views => Pages.SelectMany(p => (TestCaseData[])[new(p, false) { TestName = $"{p}, on a desk" }, new(p, true) { TestName = $"{p}, on a phone" }]);

    // One visit each for all pages: signing in costs more than looking.
    private ConsolePage onDesk = null!, onPhone = null!;

    [OneTimeSetUp]
    public async Task SignInAsync()
    {
        onDesk = await (await Console.VisitAsync()).SignInAsync("admin");
        onPhone = await (await Console.VisitAsync(phone: true)).SignInAsync("admin");
    }

    [OneTimeTearDown]
    public async Task LeaveAsync()
    {
        await onDesk.DisposeAsync();
        await onPhone.DisposeAsync();
    }

    [TestCaseSource(nameof(Views))]
    public async Task Should_be_readable_for_everybody(string path, bool phone)
    {
        var visitor = phone ? onPhone : onDesk;
        visitor.Complaints.Clear();

        await visitor.GoAsync(Filled(path));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Axe.FaultsAsync(visitor.Page), Is.Empty);
            Assert.That(await visitor.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth"), Is.LessThanOrEqualTo(0), "the page is wider than the screen");
            Assert.That(visitor.Complaints.Where(c => path != "/ops/nowhere" || !c.Contains("404", StringComparison.Ordinal)), Is.Empty);
        }
    }

    [Test]
    public async Task Should_let_everybody_read_the_sign_in_page([Values] bool phone)
    {
        await using var visitor = await Console.VisitAsync(phone);
        await visitor.GoAsync("/ops");

        Assert.That((await Axe.FaultsAsync(visitor.Page), visitor.Complaints), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
    }

    [Test]
    public async Task Should_run_nothing_that_is_not_ours()
    {
        await using var visitor = await Console.VisitAsync();
        await visitor.SignInAsync("admin");

        await visitor.Page.EvaluateAsync("() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s); document.body.insertAdjacentHTML('beforeend', '<i style=\"color:red\">x</i>'); }");

        await Eventually.ShouldAsync(() => visitor.Complaints.Count >= 2, "complain of both");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await visitor.Page.EvaluateAsync<bool>("'hacked' in window"), Is.False);
            Assert.That(visitor.Complaints, Has.Exactly(2).Contains("Content Security Policy"), "what a test of silence rests on");
        }
    }

    [Test]
    public async Task Should_show_hostile_words_as_words()
    {
        await using var visitor = await Console.VisitAsync();
        await visitor.SignInAsync("admin", $"/ops/leads/{Console.Stopped}");

        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Show personal data" }).ClickAsync();

        await Assertions.Expect(visitor.Page.GetByText(VisitedConsole.Hostile).First).ToBeVisibleAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await visitor.Page.EvaluateAsync<bool>("'hacked' in window"), Is.False);
            Assert.That(await visitor.Page.EvaluateAsync<int>("document.images.length"), Is.Zero);
            Assert.That(visitor.Complaints, Is.Empty);
        }
    }

    [Test]
    public async Task Should_keep_the_numbers_up_to_date_by_themselves()
    {
        await using var visitor = await Console.VisitAsync();
        await visitor.SignInAsync("admin");
        var caption = visitor.Page.Locator("figcaption");
        var before = await caption.TextContentAsync();
        await visitor.Page.EvaluateAsync("window.sameDocument = true");

        await Console.PostAsync("news@acme.example", "Completed");

        await Assertions.Expect(caption).Not.ToHaveTextAsync(before!);
        Assert.That(await visitor.Page.EvaluateAsync<bool>("window.sameDocument"), Is.True);
    }

    [Test]
    public async Task Should_say_when_there_is_nothing()
    {
        await using var visitor = await Console.VisitAsync();
        await visitor.SignInAsync("admin");

        await visitor.GoAsync("/ops/leads?status=Erased");

        await Assertions.Expect(visitor.Page.GetByText("No lead fits")).ToBeVisibleAsync();
    }

    private string Filled(string path) => path.Replace("{completed}", Console.Completed, StringComparison.Ordinal)
        .Replace("{stopped}", Console.Stopped, StringComparison.Ordinal).Replace("{group}", Console.Group, StringComparison.Ordinal).Replace("{job}", Console.Job, StringComparison.Ordinal);
}
