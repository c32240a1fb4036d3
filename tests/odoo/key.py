# Runs in Odoo's own shell: makes a key of the administrator's that does not expire, and prints it.
key = env["res.users.apikeys"].with_user(env.ref("base.user_admin"))._generate("rpc", "tests", None)  # noqa: F821
env.cr.commit()  # noqa: F821
print(f"key={key}")
