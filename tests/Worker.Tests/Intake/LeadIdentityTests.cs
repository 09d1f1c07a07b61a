using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Intake;

public class LeadIdentityTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static LeadKeys Keys(string json, LeadOrigin? origin = null, DateTimeOffset? at = null) =>
        ((ReadLead.Accepted)LeadReader.Read(JsonElement.Parse(json), origin ?? new LeadOrigin("api"), at ?? Noon)).Keys;

    [TestCase("""{"email":"a@b.de"}""", """{"email":" A@B.de ","company":"Other"}""", true)]
    [TestCase("""{"email":"a@b.de"}""", """{"email":"a@b.de","campaignId":"none"}""", true)]
    [TestCase("""{"email":"a@b.de"}""", """{"email":"a@b.de","campaignId":"C"}""", false)]
    [TestCase("""{"email":"a@b.de","externalId":"1"}""", """{"email":"c@d.de","externalId":"1"}""", true)]
    [TestCase("""{"email":"a@b.de","externalId":"1"}""", """{"email":"a@b.de","externalId":"1","source":"web"}""", false)]
    [TestCase("""{"email":"a@b.de","externalId":"1"}""", """{"email":"a@b.de","externalId":"2"}""", false)]
    [TestCase("""{"email":"a@b.de","externalId":"1","source":"ab"}""", """{"email":"a@b.de","externalId":"b1","source":"a"}""", false)]
    public void Should_give_equal_posts_equal_ids(string first, string second, bool equal)
    {
        var same = Keys(first).LeadId == Keys(second).LeadId;

        Assert.That(same, Is.EqualTo(equal));
    }

    [Test]
    public void Should_rank_the_senders_keys()
    {
        const string Json = """{"leadId":"3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c","email":"a@b.de","externalId":"1"}""";

        var keys = Keys(Json, new LeadOrigin("api", IdempotencyKey: "key"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(keys.LeadId, Is.EqualTo(new Guid("3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c")));
            Assert.That(keys.Stable.Select(k => k.Kind), Is.EqualTo(new[] { LeadKeyKind.LeadId, LeadKeyKind.Idempotency, LeadKeyKind.External }));
            Assert.That(keys.ByEmail, Is.False);
        }
    }

    [Test]
    public void Should_keep_the_idempotency_keys_of_two_doors_apart()
    {
        var api = Keys("""{"email":"a@b.de"}""", new LeadOrigin("api", IdempotencyKey: "1"));
        var form = Keys("""{"email":"a@b.de"}""", new LeadOrigin("contact", IdempotencyKey: "1"));

        Assert.That(api.LeadId, Is.Not.EqualTo(form.LeadId));
    }

    [Test]
    public void Should_change_the_id_with_the_window_but_not_the_key_that_finds_the_alias()
    {
        var first = Keys("""{"email":"a@b.de"}""");
        var second = Keys("""{"email":"a@b.de"}""", at: Noon.AddHours(13));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.ByEmail, Is.True);
            Assert.That(second.LeadId, Is.Not.EqualTo(first.LeadId));
            Assert.That(second.EmailCampaign, Is.EqualTo(first.EmailCampaign));
        }
    }

    [Test]
    public void Should_keep_the_id_that_a_door_answered()
    {
        var answered = Guid.Parse("11111111-2222-5333-8444-555555555555");

        var read = (ReadLead.Accepted)LeadReader.Read(JsonElement.Parse("""{"email":"a@b.de"}"""), new LeadOrigin("queue", AnsweredLeadId: answered), Noon);

        Assert.That(read.Lead.LeadId, Is.EqualTo(answered));
    }

    [FsCheck.NUnit.Property]
    public Property Posts_within_one_window_get_one_id() => Prop.ForAll(Gen.Choose(0, 86_399).Two().ToArbitrary(), seconds =>
    {
        var midnight = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

        return Keys("""{"email":"a@b.de"}""", at: midnight.AddSeconds(seconds.Item1)).LeadId
            == Keys("""{"email":"a@b.de"}""", at: midnight.AddSeconds(seconds.Item2)).LeadId;
    });

    [FsCheck.NUnit.Property]
    public bool No_key_holds_what_it_was_made_from(NonEmptyString external)
    {
        var json = JsonSerializer.Serialize(new { email = "anna@acme.com", externalId = external.Get.Length > 60 ? "x" : external.Get });
        if (LeadReader.Read(JsonElement.Parse(json), new LeadOrigin("api"), Noon) is not ReadLead.Accepted read)
            return true;

        return read.Keys.Stable.Append(read.Keys.EmailCampaign).All(k => k.Value.Length == 64 && k.Value.All(char.IsAsciiHexDigitLower));
    }

    [Test]
    public void Should_name_the_fields_in_which_a_copy_differs()
    {
        var first = ((ReadLead.Accepted)LeadReader.Read(JsonElement.Parse("""{"email":"a@b.de","externalId":"1","title":"CEO","x":"1","marketing":{"pageViews":1}}"""), new LeadOrigin("api"), Noon)).Lead;
        var copy = ((ReadLead.Accepted)LeadReader.Read(JsonElement.Parse("""{"email":"a@b.de","externalId":"1","company":"A","y":"2","marketing":{"pageViews":2}}"""), new LeadOrigin("api"), Noon.AddHours(1))).Lead;

        var fields = LeadDiff.Fields(first, copy);

        Assert.That(fields, Is.EqualTo(new[] { "company", "title", "customFields.x", "customFields.y", "marketing.pageViews" }));
    }
}
