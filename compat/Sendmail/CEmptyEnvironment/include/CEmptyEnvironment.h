/* Linking this empties the environment of a program before anything in it can read it. */
#ifndef MARTLET_CEMPTYENVIRONMENT_H
#define MARTLET_CEMPTYENVIRONMENT_H

/* Does nothing; calling it makes the linker take the object in. */
void martlet_empty_environment(void);
#endif
