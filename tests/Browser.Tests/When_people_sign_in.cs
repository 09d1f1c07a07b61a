using Microsoft.Playwright;

namespace LeadPipeline.Browser.Tests;

public sealed class When_people_sign_in : Browsing
{
    [Test]
    public async Task Should_take_the_link_of_the_start_up_log_and_leave_no_token_behind()
    {
        await using var visitor = await Console.VisitAsync();

        await visitor.GoAsync("/ops#token=admin");
        await visitor.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" }).WaitForAsync();
        await visitor.Page.GoBackAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(visitor.Page.Url, Does.Not.Contain("token"));
            Assert.That(visitor.Complaints, Is.Empty);
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Should_lead_to_the_page_that_was_asked_for(bool scripts)
    {
        await using var visitor = await Console.VisitAsync(scripts: scripts);

        await visitor.SignInAsync("user", $"/ops/leads/{Console.Completed}");

        Assert.That(await visitor.Page.GetByRole(AriaRole.Heading, new() { Level = 1 }).TextContentAsync(), Is.EqualTo("j***@acme.example"));
    }

    [Test]
    public async Task Should_say_that_a_token_is_not_known()
    {
        await using var visitor = await Console.VisitAsync();

        await visitor.GoAsync("/ops");
        await visitor.Page.GetByLabel("Access token").FillAsync("guessed");
        await visitor.Page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(visitor.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("not known here");
    }

    [Test]
    public async Task Should_be_a_stranger_again_after_signing_out()
    {
        await using var visitor = await Console.VisitAsync();
        await visitor.SignInAsync("user");

        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await visitor.Page.GetByLabel("Access token").WaitForAsync();
        await visitor.GoAsync("/ops/leads");

        Assert.That(visitor.Where, Does.StartWith("/ops/sign-in"));
    }

    [Test]
    public async Task Should_offer_each_role_its_own_places()
    {
        var places = new List<string>();
        foreach (var role in (string[])["user", "operator", "admin"])
        {
            await using var visitor = await Console.VisitAsync();
            await visitor.SignInAsync(role);
            places.Add(string.Join(", ", await visitor.Page.GetByRole(AriaRole.Navigation, new() { Name = "Console" }).GetByRole(AriaRole.Link).AllTextContentsAsync()));
        }

        Assert.That(places, Is.EqualTo(new[] { "Overview, Leads", "Overview, Leads, Reviews, Dead letters", "Overview, Leads, Reviews, Dead letters, Approvals, System" }));
    }

    [Test]
    public async Task Should_keep_people_from_what_is_not_theirs()
    {
        await using var visitor = await Console.VisitAsync();
        await visitor.SignInAsync("user");

        var answer = await visitor.Page.GotoAsync(Console.Address + "/ops/system");

        Assert.That((answer!.Status, await visitor.Page.GetByRole(AriaRole.Heading, new() { Level = 1 }).TextContentAsync()), Is.EqualTo((403, "Not for your role")));
    }
}
